/* SPDX-License-Identifier: ISC */
/* One request of a call.jq, by HTTP or to a program, and its answer. */
#ifndef CI_EXCHANGE_H
#define CI_EXCHANGE_H

#include <stddef.h>

#include <jv.h>

/* The answer to a request. */
struct exchange_answer {
	int status; /* of HTTP, or of the exit */
	jv headers; /* an object; for the caller to set before, and to free */
	char *body; /* with a NUL at its end, for the caller to free, or NULL */
	size_t length;
};

/* A secret and its name, for the caller to free. */
struct exchange_token {
	char *name, *value;
};

/*
 * Finds the secret that request names; token stays as it is if request names
 * none.  Returns an empty object, or for answer_how() why there is none.
 */
jv exchange_find_token(
    const char *provider, const jv *request, struct exchange_token *token);

/*
 * Sends request by HTTP, if its URL is below api, with token, which may be
 * NULL, in place of {secret} in its headers.  Fills answer, in which the token
 * is blanked.  Returns an empty object, or for answer_how() why there is none.
 */
jv exchange_http(const char *api, const jv *request, const char *token,
    struct exchange_answer *answer);

/*
 * Runs the program that request names, for 30 seconds at most.  Fills answer.
 * Returns an empty object, or for answer_how() why there is none.
 */
jv exchange_exec(const jv *request, struct exchange_answer *answer);

#endif
