/* SPDX-License-Identifier: ISC */
/* A jq program of share/. */
#include <err.h>
#include <stdlib.h>
#include <sysexits.h>

#include <jq.h>

#include "base/mem.h"
#include "base/share.h"
#include "ci/answer.h"
#include "ci/program.h"
#include "data/json.h"

struct program {
	jq_state *jq;
};

static void
complain(void *file, jv message)
{
	char *text = json_word(&message);

	warnx("%s: %s", (const char *)file, text != NULL ? text : "wrong");
	free(text);
	jv_free(message);
}

/* libjq 1.6 calls what is not set, when a program asks for "input". */
static jv
no_input(jq_state *jq, void *arg)
{
	(void)jq;
	(void)arg;
	return jv_invalid();
}

jq_state *
program_jq(void)
{
	jq_state *jq = jq_init();

	if (jq == NULL)
		mem_refused();
	jq_set_input_cb(jq, no_input, NULL);
	return jq;
}

struct program *
program_load(const char *file)
{
	struct program *p = xcalloc(1, sizeof(*p));
	char *path = share_path(file), *text = share_text(path);

	p->jq = program_jq();
	if (text == NULL) {
		program_free(p);
		free(path);
		return NULL;
	}
	jq_set_error_cb(p->jq, complain, path);
	if (!jq_compile(p->jq, text))
		errx(EX_CONFIG, "%s: does not compile", path);
	jq_set_error_cb(p->jq, NULL, NULL);
	free(text);
	free(path);
	return p;
}

void
program_free(struct program *p)
{
	if (p != NULL)
		jq_teardown(&p->jq);
	free(p);
}

jv
program_run(struct program *p, jv input)
{
	jv outputs = jv_array(), output, message;
	char *text;

	jq_start(p->jq, input, 0);
	while (jv_is_valid(output = jq_next(p->jq)))
		outputs = jv_array_append(outputs, output);
	if (!jv_invalid_has_msg(jv_copy(output))) {
		jv_free(output);
		return outputs;
	}
	message = jv_invalid_get_msg(output);
	text = json_word(&message);
	jv_free(message);
	jv_free(outputs);
	outputs =
	    answer_new(ANSWER_ERROR, text != NULL ? text : "the program fails");
	free(text);
	return outputs;
}
