/* SPDX-License-Identifier: ISC */
/* Asking a CI: the calling half of a provider. */
#ifndef CI_CALL_H
#define CI_CALL_H

#include <stdint.h>

#include <jv.h>

#include "ci/budget.h"
#include "ci/provider.h"
#include "store/db.h"

/*
 * Opens the calling half of the provider of a name, whose call.jq says what to
 * ask and how to read the answer (tack-provider(5)).  Prepares statements in
 * db.  Returns NULL if the provider has no such file; exits with EX_CONFIG if
 * the file does not compile.  Sends tokens to $TACK_NAME_API or the provider's
 * own "api" alone.
 */
struct call;
struct call *
call_open(const char *name, const struct provider *provider, struct db *db);
void call_close(struct call *call);

/*
 * Ask the CI.  input, which is given, is the object for call.jq without "verb",
 * "api" and "config".  All requests that the program makes are sent in turn,
 * and what their answers link to as "next"; their builds and steps are put
 * together.  Returns the answer: how it went is for answer_how() to say, and
 * its members are, as far as there are any,
 *	builds	array of payloads, for provider_read()
 *	build	what "plan" found
 *	steps	array
 * Nothing in it comes from a secret.
 */
jv call_ask(
    struct call *call, const char *verb, jv input, enum budget_urgency urgency);

/* A piece of a log. */
struct call_piece {
	char *bytes; /* for the caller to free */
	size_t length;
	int64_t
	    start; /* the log's byte number of the first; -1 if none is there */
	int64_t total; /* bytes that the log has; -1 if that is not known */
};

/*
 * Ask for a log's bytes: input as for call_ask(), with "step", "offset",
 * "length", the most that is wanted of a program, and "total" where it is
 * known.  Fills the piece, which may begin before or after the offset; its
 * total is -1 if the length was the limit.  Returns an empty object, or as
 * call_ask() does what went wrong.
 */
jv call_log(struct call *call, jv input, struct call_piece *piece);

#endif
