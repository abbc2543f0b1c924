/* SPDX-License-Identifier: ISC */
/* The rows of builds, for the tools that start, ask about and cancel builds. */
#ifndef STORE_BUILD_H
#define STORE_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "store/db.h"

/*
 * SQL: the ids of the builds that a round asks about: those that have not
 * ended, and those whose state the CI must be asked for.
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
 *	parent	as build, of the attempt before, if there is one
 *	task	object (tack-provider(5)), absent if tack did not start the
 *build A member that is NULL in the database is absent.  A rebuild has the task
 *of its first attempt.
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
 * Claims a row of the database whose path is database, until the returned
 * descriptor is closed or this process ends.  Returns -1 if another process has
 * the row.  Row 0 is the round of tack-poll(1).
 */
int build_claim(const char *database, int64_t row);

/*
 * Returns the newest row that row supersedes: an earlier one, of the same
 * workflow in the same line, that is not over.  Returns 0 if there is none.
 */
int64_t build_older(struct builds *builds, int64_t row);

/* The longest, in seconds, that a row is put off. */
#define BUILD_LONGEST_WAIT 3600

/*
 * Corrects the times in the future that a clock that was ahead left in the rows
 * of open builds and in their statuses: each becomes the present time, so that
 * nothing waits for it longer than it should.  A create that was sent at such a
 * time counts as sent long ago.
 */
void build_heal(struct builds *builds);

/*
 * Calls build_heal(), and sets *rows to the rows whose builds are to be started
 * now, in their order, for the caller to free.  Returns the number of rows.
 */
size_t build_due(struct builds *builds, int64_t **rows);

/*
 * Notes that a create or rebuild is about to be sent; now is in unix seconds.
 * As build_done(), build_put_off() and build_verdict(), a transaction of its
 * own.
 */
void build_sent(struct builds *builds, int64_t row, int64_t now);

/* Stores what the row has become: build is as in a record. */
void build_done(struct builds *builds, int64_t row, const jv *build);

/*
 * Puts row off: it is not tried before not_before, in unix seconds.  If
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
