/* SPDX-License-Identifier: ISC */
/* The answer of a CI: how a question to it went. */
#include <stdbool.h>
#include <stddef.h>

#include "ci/answer.h"
#include "data/json.h"

/* If an answer has several of them, the first counts. */
static const struct {
	const char *member, *why, *otherwise;
} kinds[] = {
	[ANSWER_ERROR] = { "error", "error", "the CI does not say why" },
	[ANSWER_GONE] = { "gone", "gone", "the CI knows no such build" },
	[ANSWER_WAIT] = { "wait", "reason", "the CI is asked too often" },
	[ANSWER_UNSURE] = { "unsure", "unsure", "the CI does not say why" },
};

enum answer_how
answer_how(const jv *answer, const char **why)
{
	enum answer_how how = ANSWER_ERROR;
	const char *text = NULL;

	for (; how <= ANSWER_UNSURE; how++) {
		jv value = json_get(answer, kinds[how].member);
		bool there = jv_is_valid(value);

		jv_free(value);
		if (there)
			break;
	}
	if (how > ANSWER_UNSURE)
		how = ANSWER_GOOD;
	else if ((text = json_str(answer, kinds[how].why)) == NULL)
		text = kinds[how].otherwise;
	if (why != NULL)
		*why = text;
	return how;
}

double
answer_wait(const jv *answer)
{
	return json_number(answer, "wait", 0);
}

jv
answer_new(enum answer_how how, const char *why)
{
	return json_set_str(jv_object(), kinds[how].member, why);
}

jv
answer_later(double seconds, const char *why)
{
	jv answer = json_set_str(jv_object(), "reason", why);

	return json_set(answer, "wait", jv_number(seconds));
}
