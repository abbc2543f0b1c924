/* SPDX-License-Identifier: ISC */
/* A commit of a repository, fetched by git(1). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/json.h"
#include "local/clone.h"
#include "local/task.h"

#define DEPTH_MOST 1000000
#define SUBMODULES 64 /* at most */

/* The members of clone; each is honoured below. */
static const struct {
	const char *name;
	bool number; /* or a truth */
} members[] = {
	{ "depth", true },
	{ "skip", false },
	{ "submodules", false },
	{ "tags", false },
};

struct clone {
	const jv *task;
	bool dev;
	const struct clone_host *host;
	int *status;
	jv env;
	unsigned settings; /* in env, as git-config(1) has them */
	char *url;
	const char *show; /* of a file URL */
};

/* A setting that holds for git and all that git starts. */
static void
set(struct clone *c, const char *name, const char *value)
{
	char key[32];

	snprintf(key, sizeof(key), "GIT_CONFIG_KEY_%u", c->settings);
	c->env = json_set_str(c->env, key, name);
	snprintf(key, sizeof(key), "GIT_CONFIG_VALUE_%u", c->settings++);
	c->env = json_set_str(c->env, key, value);
	snprintf(key, sizeof(key), "%u", c->settings);
	c->env = json_set_str(c->env, "GIT_CONFIG_COUNT", key);
}

static void
settings(struct clone *c)
{
	c->env = json_set_str(c->env, "GIT_CONFIG_NOSYSTEM", "1");
	c->env = json_set_str(c->env, "GIT_CONFIG_GLOBAL", "/dev/null");
	c->env = json_set_str(c->env, "GIT_TERMINAL_PROMPT", "0");
	c->env = json_set_str(c->env, "GIT_ASKPASS", "false");
	c->env = json_set_str(c->env, "GIT_LITERAL_PATHSPECS", "1");
	set(c, "protocol.allow", "never");
	set(c, "protocol.https.allow", "always");
	if (c->dev) {
		set(c, "protocol.http.allow", "always");
		set(c, "protocol.file.allow", "always");
	}
	set(c, "http.followRedirects", "false");
	set(c, "http.lowSpeedLimit", "1");
	set(c, "http.lowSpeedTime", "60");
	set(c, "credential.helper", "");
	set(c, "core.hooksPath", "/dev/null");
	set(c, "advice.detachedHead", "false");
}

/* Why git must not go there, or NULL, and then it goes nowhere else. */
static char *
allow(struct clone *c, const char *url)
{
	char *pin = NULL, *said = NULL;

	*c->status = c->host->look_up(url, &said, &pin, c->host->arg);
	if (*c->status == -1 && said == NULL)
		said = xstrdup("looking for its host was stopped");
	if (said == NULL && pin != NULL)
		set(c, "http.curloptResolve", pin);
	free(pin);
	return said;
}

/* Run git; why it failed, or NULL. */
static char *
git(struct clone *c, const char *const argv[], const char *what)
{
	*c->status = c->host->run(&c->env, argv, c->show, NULL, c->host->arg);
	if (*c->status == 0)
		return NULL;
	return xasprintf("%s %s", what,
	    *c->status == -1 ? "was stopped" : "failed; its log says why");
}

/* Run a program for what it says; why that is not to be had, or NULL. */
static char *
ask(struct clone *c, const char *const argv[], struct clone_said *said)
{
	memset(said, 0, sizeof(*said));
	*c->status = c->host->run(&c->env, argv, c->show, said, c->host->arg);
	if (*c->status == -1)
		return xasprintf("%s was stopped", argv[0]);
	if (said->over)
		return xasprintf(
		    "more than %d KiB of names and URLs", CLONE_SAID >> 10);
	return NULL;
}

static char *
fetch(struct clone *c, const jv *options, const char *sha)
{
	const char *const init[] = { "git", "init", "-q", "--template=",
		strlen(sha) == 64 ? "--object-format=sha256" :
				    "--object-format=sha1",
		".", NULL };
	const char *const remote[] = { "git", "remote", "add", "origin", c->url,
		NULL };
	/* What a local repository is served by regards other owners as
	 * hostile, and ignores the environment's settings. */
	static const char *const trust =
	    "--upload-pack=git -c safe.directory=* upload-pack";
	int64_t n = json_int(options, "depth", 1);
	char *depth = xasprintf("--depth=%" PRId64, n > 0 ? n : 1), *said;
	const char *const get[] = { "git", "fetch",
		json_true(options, "tags") ? "--tags" : "--no-tags",
		"--no-recurse-submodules", depth,
		c->show != NULL ? trust : "--",
		c->show != NULL ? "--" : "origin",
		c->show != NULL ? "origin" : sha, c->show != NULL ? sha : NULL,
		NULL };
	static const char *const checkout[] = { "git", "checkout", "-q",
		"--detach", "FETCH_HEAD", NULL };

	if ((said = git(c, init, "git init")) == NULL &&
	    (said = git(c, remote, "git remote")) == NULL &&
	    (said = git(c, get, "git fetch")) == NULL)
		said = git(c, checkout, "git checkout");
	free(depth);
	return said;
}

/* The name that .gitmodules has for a path, of what git config said, or NULL.
 */
static char *
name_of(const struct clone_said *modules, const char *path)
{
	static const char before[] = "submodule.", after[] = ".path";
	const char *p = modules->text, *end = p + modules->length, *value;

	/* Key, newline, value, NUL. */
	for (; p < end; p += strlen(p) + 1) {
		if ((value = strchr(p, '\n')) == NULL ||
		    strcmp(value + 1, path) != 0 ||
		    (size_t)(value - p) < sizeof(before) + sizeof(after) - 2)
			continue;
		return xstrndup(p + strlen(before),
		    (size_t)(value - p) - strlen(before) - strlen(after));
	}
	return NULL;
}

/*
 * Fetch one submodule, not its own in turn; why that cannot be, or NULL.  git
 * itself says what its URL comes to: a relative one can name another host.
 */
static char *
submodule(struct clone *c, const char *name, const char *path)
{
	char *key = xasprintf("submodule.%s.url", name), *said;
	const char *const init[] = { "git", "submodule", "init", "--", path,
		NULL };
	const char *const url[] = { "git", "config", "--local", "--null",
		"--get", key, NULL };
	const char *const update[] = { "git", "submodule", "update",
		"--depth=1", "--", path, NULL };
	struct clone_said *value = xmalloc(sizeof(*value));

	if ((said = git(c, init, "git submodule init")) == NULL &&
	    (said = ask(c, url, value)) == NULL &&
	    (said = allow(c, value->text)) == NULL)
		said = git(c, update, "git submodule update");
	free(value);
	free(key);
	return said;
}

/*
 * Something of the submodules cannot be had: why that fails the build, or NULL
 * if it is left out with a warning.
 */
static char *
left_out(struct clone *c, bool demanded, char *said)
{
	char *text;

	if (said == NULL || demanded || *c->status == -1)
		return said;
	text = xasprintf("%s; left out", said);
	c->host->warn(text, c->host->arg);
	free(text);
	free(said);
	*c->status = 0;
	return NULL;
}

/* Fetch a link of the commit to another one, which is at path. */
static char *
follow(struct clone *c, bool demanded, const struct clone_said *modules,
    const char *path)
{
	char *name = name_of(modules, path), *shown, *why, *said;

	if (name == NULL) {
		shown = task_plain(path);
		/* Nobody can have meant this one. */
		said = left_out(c, false,
		    xasprintf("submodule '%s' is not in .gitmodules", shown));
	} else {
		shown = task_plain(name);
		said = NULL;
		if ((why = submodule(c, name, path)) != NULL)
			said = left_out(c, demanded,
			    xasprintf("submodule '%s': %s", shown, why));
		free(why);
	}
	free(shown);
	free(name);
	return said;
}

/* Fetch the submodules; why the build fails of one, or NULL. */
static char *
submodules(struct clone *c, bool demanded)
{
	static const char *const find[] = { "sh", "-c",
		"git ls-files -s -z | LC_ALL=C grep -z '^160000 '", NULL };
	static const char *const paths[] = { "git", "config", "-f",
		".gitmodules", "--null", "--get-regexp",
		"^submodule\\..*\\.path$", NULL };
	struct clone_said *links = xmalloc(sizeof(*links)),
			  *modules = xmalloc(sizeof(*modules));
	char *said, *path;
	size_t count = 0;

	if ((said = ask(c, find, links)) == NULL && links->length > 0)
		said = ask(c, paths, modules);
	if (said != NULL)
		said = left_out(c, demanded, said);
	else
		*c->status = 0; /* 1 is that there are none */
	/* Mode, blank, id, blank, stage, tab, path, NUL. */
	for (char *p = links->text; said == NULL && !links->over &&
	     !modules->over && p < links->text + links->length;
	     p += strlen(p) + 1) {
		if (++count > SUBMODULES) {
			*c->status = 1;
			said = left_out(c, demanded,
			    xasprintf("more than %d submodules", SUBMODULES));
			break;
		}
		if ((path = strchr(p, '\t')) != NULL)
			said = follow(c, demanded, modules, path + 1);
	}
	free(modules);
	free(links);
	return said;
}

static bool
is_member(const char *name)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(name, members[i].name) == 0)
			return true;
	return false;
}

struct strangers {
	void (*fn)(const char *name, void *arg);
	void *arg;
};

static void
visit(jv key, void *arg)
{
	const struct strangers *s = arg;
	char *name = json_word(&key);

	if (name != NULL && !is_member(name))
		s->fn(name, s->arg);
	free(name);
	jv_free(key);
}

/* Call fn with the name of each member of options that means nothing here. */
static void
each_stranger(const jv *options, void (*fn)(const char *, void *), void *arg)
{
	struct strangers s = { fn, arg };
	jv keys;

	if (jv_get_kind(*options) != JV_KIND_OBJECT)
		return;
	keys = jv_keys(jv_copy(*options));
	json_each(&keys, visit, &s);
	jv_free(keys);
}

static void
refuse_member(const char *name, void *arg)
{
	char **said = arg, *shown = task_plain(name);

	free(*said);
	*said = xasprintf("clone: no such member: %s", shown);
	free(shown);
}

static void
warn_of_member(const char *name, void *arg)
{
	const struct clone *c = arg;
	char *shown = task_plain(name),
	     *text = xasprintf("clone: %s means nothing here", shown);

	c->host->warn(text, c->host->arg);
	free(text);
	free(shown);
}

char *
clone_refused(const jv *task)
{
	jv options = json_get(task, "clone"),
	   file = task_member(task, "workflow", "clone");
	jv_kind kind = jv_get_kind(options);
	char *said = NULL;

	if (kind != JV_KIND_OBJECT && kind != JV_KIND_NULL &&
	    kind != JV_KIND_INVALID)
		said = xstrdup("clone is not a mapping");
	for (size_t i = 0;
	     said == NULL && i < sizeof(members) / sizeof(members[0]); i++) {
		jv v = json_get(&options, members[i].name);
		int64_t n = json_int(&options, members[i].name, -1);

		kind = jv_get_kind(v);
		jv_free(v);
		if (kind == JV_KIND_NULL || kind == JV_KIND_INVALID)
			continue;
		if (members[i].number ?
			n < 0 || n > DEPTH_MOST :
			kind != JV_KIND_TRUE && kind != JV_KIND_FALSE)
			said = xasprintf("clone: %s: %s", members[i].name,
			    members[i].number ? "not a number of commits" :
						"not true or false");
	}
	/* What a newer knot adds of its own is no fault of the author's. */
	if (said == NULL)
		each_stranger(&file, refuse_member, &said);
	jv_free(file);
	jv_free(options);
	return said;
}

char *
clone_repository(
    const jv *task, bool dev, const struct clone_host *host, int *status)
{
	struct clone c = {
		.task = task, .dev = dev, .host = host, .status = status
	};
	jv options = json_get(task, "clone"), repo = json_get(task, "repo"),
	   file = task_member(task, "workflow", "clone");
	char *said = NULL, *why;

	*status = 0;
	each_stranger(&options, warn_of_member, &c);
	if (!json_true(&options, "skip")) {
		c.url = json_str_copy(&repo, "url");
		if (strncmp(c.url, "file://", 7) == 0)
			c.show = c.url + 7;
		c.env = jv_object();
		settings(&c);
		if ((why = allow(&c, c.url)) != NULL)
			said = xasprintf("the repository: %s", why);
		free(why);
		if (said == NULL)
			said = fetch(&c, &options, json_str(task, "sha"));
		if (said == NULL && json_true(&options, "submodules"))
			said = submodules(&c, json_true(&file, "submodules"));
		jv_free(c.env);
		free(c.url);
	}
	jv_free(file);
	jv_free(repo);
	jv_free(options);
	return said;
}
