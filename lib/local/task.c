/* SPDX-License-Identifier: ISC */
/* What the embedded CI is asked to do. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "base/mem.h"
#include "data/json.h"
#include "data/print.h"
#include "local/task.h"

#define TEXT_SHOWN 80

/* A member's member, for the caller to free. */
jv
task_member(const jv *object, const char *a, const char *b)
{
	jv first = json_get(object, a), second = json_get(&first, b);

	jv_free(first);
	return second;
}

int64_t
task_integer(jv v, int64_t other)
{
	char *word = json_word(&v);
	const char *wrong = "";
	int64_t n = 0;

	if (word != NULL)
		n = strtonum(word, 1, INT32_MAX, &wrong);
	free(word);
	jv_free(v);
	return wrong == NULL ? n : other;
}

struct merge {
	const jv *from;
	jv *to;
	const char *wrong;
};

static void
merge_variable(jv key, void *arg)
{
	struct merge *m = arg;
	char *name = json_word(&key), *text;
	jv value = name != NULL ? json_get(m->from, name) : jv_invalid();

	switch (jv_get_kind(value)) {
	case JV_KIND_NULL:
		text = xstrdup("");
		break;
	case JV_KIND_NUMBER:
		if ((text = json_word(&value)) == NULL)
			text = print_text(jv_copy(value));
		break;
	default:
		text = json_word(&value);
	}
	if (name == NULL || *name == '\0' || strchr(name, '=') != NULL)
		m->wrong = "a variable's name is empty or has a = in it";
	else if (text == NULL)
		m->wrong = "a variable of the environment is not a text";
	else if (strlen(name) + 1 + strlen(text) >= TASK_ARGUMENT)
		m->wrong = "a variable of the environment has 128 KiB or more";
	else
		*m->to = json_set_str(*m->to, name, text);
	free(text);
	free(name);
	jv_free(value);
	jv_free(key);
}

/* Set the variables of an object in another; why that cannot be, or NULL. */
static const char *
merge(jv *to, jv from)
{
	struct merge m = { &from, to, NULL };
	jv keys;

	if (jv_get_kind(from) == JV_KIND_OBJECT) {
		keys = jv_keys(jv_copy(from));
		json_each(&keys, merge_variable, &m);
		jv_free(keys);
	} else if (jv_is_valid(from) && jv_get_kind(from) != JV_KIND_NULL)
		m.wrong = "the environment is not a mapping";
	jv_free(from);
	return m.wrong;
}

/* The environment of a step: where two set a variable, the later wins. */
const char *
task_env(jv *env, const jv *task, const jv *step)
{
	const char *wrong[3];

	*env = jv_object();
	wrong[0] = merge(env, task_member(task, "workflow", "environment"));
	wrong[1] = merge(env, json_get(step, "environment"));
	wrong[2] = merge(env, json_get(task, "env"));
	for (size_t i = 0; i < 3; i++)
		if (wrong[i] != NULL)
			return wrong[i];
	return NULL;
}

struct checked {
	const jv *task;
	char *wrong;
	size_t count;
};

static void
check_step(jv step, void *arg)
{
	struct checked *c = arg;
	const char *wrong;
	jv env, command = json_get(&step, "command");

	c->count++;
	wrong = task_env(&env, c->task, &step);
	if (json_str(&step, "command") == NULL)
		wrong = jv_is_valid(command) &&
			jv_get_kind(command) != JV_KIND_NULL ?
		    "the command is not a text" :
		    "there is no command";
	else if (strlen(json_str(&step, "command")) >= TASK_ARGUMENT)
		wrong = "the command has 128 KiB or more";
	if (wrong != NULL && c->wrong == NULL)
		c->wrong = xasprintf("step %zu: %s", c->count, wrong);
	jv_free(command);
	jv_free(env);
	jv_free(step);
}

static bool
is_sha(const char *text)
{
	size_t length = text != NULL ? strlen(text) : 0;

	return (length == 40 || length == 64) &&
	    strspn(text, "0123456789abcdef") == length;
}

/* What is wrong but for the steps, or NULL. */
static const char *
check(const jv *task)
{
	static const char *const names[] = { "knot", "pipeline_rkey",
		"workflow" };
	jv ref = json_get(task, "ref"), repo = json_get(task, "repo"),
	   clone = json_get(task, "clone"), env = jv_object();
	const char *wrong =
	    merge(&env, task_member(task, "workflow", "environment"));

	if (!json_true(&clone, "skip") && json_str(&repo, "url") == NULL)
		wrong = "the task names no repository";
	else if (!json_true(&clone, "skip") && !is_sha(json_str(task, "sha")))
		wrong = "the task names no commit, which a manual run has to";
	for (size_t i = 0; i < 3; i++)
		if (json_str(&ref, names[i]) == NULL)
			wrong = "the task has no reference";
	jv_free(env);
	jv_free(clone);
	jv_free(repo);
	jv_free(ref);
	return wrong;
}

char *
task_refused(const jv *task)
{
	struct checked c = { task, NULL, 0 };
	const char *wrong = check(task);
	jv list;

	if (wrong != NULL)
		return xstrdup(wrong);
	list = task_member(task, "workflow", "steps");
	json_each(&list, check_step, &c);
	jv_free(list);
	if (c.wrong == NULL && c.count == 0)
		return xstrdup("the workflow has no steps");
	if (c.wrong == NULL && c.count > TASK_STEPS)
		return xstrdup("the workflow has too many steps");
	return c.wrong;
}

char *
task_plain(const char *text)
{
	size_t length = strlen(text);
	char *copy;

	if (length > TEXT_SHOWN) {
		length = TEXT_SHOWN;
		while (length > 0 && (text[length] & 0xc0) == 0x80)
			length--;
	}
	copy = xstrndup(text, length);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7f)
			copy[i] = ' ';
	return copy;
}
