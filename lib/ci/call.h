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
 * Asks the CI.  input, which is given, is the object for call.jq without
 *"verb", "api" and "config".  Sends all requests that the program makes in
 *turn, and those that an answer names as "next"; puts their builds and steps
 *together. Returns the answer, for answer_how(), whose members are, as far as
 *there are any, builds	array of payloads, for provider_read()
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
	int64_t start; /* offset in the log of the first; -1 if there is none */
	int64_t total; /* bytes that the log has; -1 if that is not known */
};

/*
 * Asks for bytes of a log.  input is as for call_ask(), with "step"; "offset";
 * "length", the most bytes that a program may print; and "total" if that is
 * known.  Fills piece, which may begin before or after the offset; its total is
 * -1 if "length" cut it off.  Returns an empty object or, as call_ask(), an
 * answer that did not go well.
 */
jv call_log(struct call *call, jv input, struct call_piece *piece);

#endif
