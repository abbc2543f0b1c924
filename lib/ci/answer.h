/* SPDX-License-Identifier: ISC */
/* The answer of a CI: how a question to it went. */
#ifndef CI_ANSWER_H
#define CI_ANSWER_H

#include <jv.h>

/*
 * An answer is an object.  If the question did not go well, the object has a
 * member "error", "gone" or "unsure", whose value is the reason, a text; or
 * "wait", a number of seconds, with the reason in "reason".
 */
enum answer_how {
	ANSWER_GOOD,
	ANSWER_ERROR, /* the CI says no, for good */
	ANSWER_GONE, /* the CI knows no such build */
	ANSWER_WAIT, /* nothing was done; the CI is to be asked again later */
	ANSWER_UNSURE /* nobody knows whether it was done */
};

/*
 * Returns how a question went.  If it did not go well, *why becomes the reason,
 * which lives until answer is changed and is never NULL; else *why becomes
 * NULL.  why itself may be NULL.
 */
enum answer_how answer_how(const jv *answer, const char **why);

/* Returns after how many seconds to ask again; 0 if answer does not say. */
double answer_wait(const jv *answer);

/* Makes an answer that did not go well; how is not ANSWER_WAIT. */
jv answer_new(enum answer_how how, const char *why);

/* Makes the answer that nothing was done, to be asked again in seconds. */
jv answer_later(double seconds, const char *why);

#endif
