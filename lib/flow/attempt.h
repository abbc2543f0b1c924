/* SPDX-License-Identifier: ISC */
/* An attempt at a build: its row, and the CI that is asked about it. */
#ifndef FLOW_ATTEMPT_H
#define FLOW_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include <jv.h>

#include "ci/call.h"
#include "ci/provider.h"
#include "store/build.h"

struct attempt {
	struct builds *builds;
	jv row; /* as build_row() returns it */
	int64_t id; /* of the row */
	int claim; /* descriptor, -1 if another process has the row */
	bool known; /* the CI has a build of it */
	struct provider *provider;
	struct call *call;
	char *key; /* of the seals, NULL if there are none */
};

/*
 * Opens the attempt of a row: claims the row, and loads the provider.  Exits
 * with EX_DATAERR if there is no such row.  Returns a record if the CI need not
 * be asked, else an invalid value.  In both cases attempt is for
 * attempt_close().
 */
jv attempt_open(struct attempt *attempt, struct builds *builds,
    const char *database, int64_t row);
void attempt_close(struct attempt *attempt);

/*
 * Makes a record for tack-status(1) of a row: its build as it is known, with
 * the status and, unless it is NULL, the error.
 */
jv attempt_record(const jv *row, const char *status, const char *error);

/* Makes a record of a row that is settled as deferred. */
jv attempt_defer(const jv *row, const char *reason);

/* Gives the row a verdict, for good; returns the record that says so. */
jv attempt_verdict(
    struct attempt *attempt, const char *verdict, const char *reason);

/*
 * TACK_SPAWN_LIMIT: after how many seconds a build that cannot be started is
 * given up.  Exits with EX_CONFIG if it is no number, so a tool asks before it
 * begins.
 */
int64_t attempt_limit(void);

/*
 * Puts the attempt off for the given number of seconds; for longer, the more
 * often it was tried, unless undone is set: then the CI certainly did nothing.
 * Returns the record, which is deferred or, after attempt_limit(), has a
 * verdict.
 */
jv attempt_put_off(
    struct attempt *attempt, double seconds, bool undone, const char *reason);

/* Makes the input of call_ask(): task, ref, build and, for a rebuild, parent.
 */
jv attempt_question(const struct attempt *attempt);

/* Returns the first build of an answer, invalid if it has none. */
jv attempt_build(const struct attempt *attempt, const jv *answer);

/* Stores build, as in a record, as the attempt's; returns the record. */
jv attempt_done(struct attempt *attempt, jv build);

/*
 * Searches the CI for the attempt's build, if that was asked for before and the
 * answer was lost.  Returns a record of the build, a record that is deferred if
 * the CI does not tell, or an invalid value if there certainly is no such
 * build.
 */
jv attempt_find(struct attempt *attempt);

#endif
