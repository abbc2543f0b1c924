/* SPDX-License-Identifier: ISC */
/* One request of a call.jq, over the network or to a program. */
#ifndef CI_EXCHANGE_H
#define CI_EXCHANGE_H

#include <stddef.h>

#include <jv.h>

/* What came back: an HTTP or exit status; body is NULL or ends with a NUL. */
struct exchange_answer {
	int status;
	jv headers; /* an object, the caller's from before to after */
	char *body; /* for the caller to free */
	size_t length;
};

/* The secret of a request and its name, for the caller to free. */
struct exchange_token {
	char *name, *value;
};

/*
 * Each returns an empty object, or as call() does what went wrong.
 * The secret that a request names, none if it names none.
 * Send it by HTTP, to below api alone; the token goes where its headers say
 * {secret}, and is blanked where the answer repeats it.
 * Run the program that it names, for 30 seconds at most.
 */
jv exchange_find_token(
    const char *provider, const jv *request, struct exchange_token *);
jv exchange_http(const char *api, const jv *request, const char *token,
    struct exchange_answer *);
jv exchange_exec(const jv *request, struct exchange_answer *);

#endif
