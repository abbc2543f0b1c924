/* SPDX-License-Identifier: ISC */
/* The rows of builds, as what starts, asks and cancels builds needs them. */
#ifndef STORE_BUILD_H
#define STORE_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "store/db.h"

/*
 * SQL: the ids of the builds that a round has to do with, which are those that
 * have not ended and those of which only the CI can tell.
 */
#define BUILD_WATCHED \
	"(SELECT id FROM build WHERE NOT ended" \
	" UNION SELECT id FROM status JOIN build" \
	" USING (pipeline_rkey, knot, workflow, attempt) WHERE ask = 1)"

/* SQL: whether the row of build called r is its workflow's newest attempt. */
#define BUILD_R_IS_NEWEST \
	"r.attempt = (SELECT max(n.attempt) FROM build AS n" \
	" WHERE n.pipeline_rkey = r.pipeline_rkey AND n.knot = r.knot" \
	" AND n.workflow = r.workflow)"

/*
 * A row is an object:
 *	row, attempt, created_at, sent_at, not_before, tries	numbers
 *	provider, verdict, reason				strings
 *	ref	as in tack-record(5)
 *	build	{id, number, org, pipeline, web_url}, as far as they are known
 *	parent	the same of the attempt before, if there is one
 *	task	object (tack-provider(5)), absent if somebody else started it
 * A member that is NULL in the database is absent.  A rebuild has the task of
 * its first attempt.
 */
struct builds {
	struct db *db;
	struct query *by_row, *by_ref, *sent, *done, *put_off, *verdict, *older,
	    *due, *heal, *heal_status, *heal_ended;
};

/* Prepares the statements of builds in db. */
void build_prepare(struct builds *builds, struct db *db);

/* Returns the row with an id; invalid if there is none. */
jv build_row(struct builds *builds, int64_t row);

/* Returns the row of the newest attempt of ref; invalid if there is none. */
jv build_newest(struct builds *builds, const jv *ref);

/*
 * Claims a row, of the database of that path, until the returned descriptor is
 * closed or this process ends.  Returns -1 if another process has it.  Row 0 is
 * the round of tack-poll(1).
 */
int build_claim(const char *database, int64_t row);

/*
 * Returns the newest row that this row supersedes: before it, of the same
 * workflow in the same line, and not over.  Returns 0 if there is none.
 */
int64_t build_older(struct builds *builds, int64_t row);

/* Seconds: nothing is put off for longer. */
#define BUILD_LONGEST_WAIT 3600

/*
 * build_heal corrects the times to come in the rows of open builds and in
 * their statuses, which a clock that was ahead left there: they become now, so
 * that what waits for them waits no longer than it would have.  A create that
 * was sent at such a time may have been sent long ago.
 */
void build_heal(struct builds *b);

/*
 * build_due heals, and sets *rows to the rows whose builds are to be started
 * now, in their order, for the caller to free.  It returns how many there are.
 */
size_t build_due(struct builds *b, int64_t **rows);

/*
 * Notes that a create or rebuild is about to be sent; now is in unix seconds.
 * This and the next three are each a transaction of its own.
 */
void build_sent(struct builds *builds, int64_t row, int64_t now);

/* Stores what the row has become: build is as in a record. */
void build_done(struct builds *builds, int64_t row, const jv *build);

/*
 * Puts the row off: it is not to be tried before a time, in unix seconds.  If
 * undone, the CI certainly did nothing; else the build is searched before
 * another one is asked for.
 */
void build_put_off(struct builds *builds, int64_t row, int64_t not_before,
    bool undone, const char *reason);

/*
 * Gives the row a verdict, "failed", "timeout" or "cancelled", with a reason;
 * NULL and NULL take it back.
 */
void build_verdict(struct builds *builds, int64_t row, const char *verdict,
    const char *reason);

#endif
