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
 * A row is an object:
 *	row, attempt, created_at, sent_at, not_before, tries	numbers
 *	provider, verdict, reason				strings
 *	ref	as in tack-record(5)
 *	build	{id, number, org, pipeline, web_url}, what of it is known
 *	parent	the same of the attempt before, if there is one
 *	task	object (tack-provider(5)), absent if somebody else started it
 * without what is NULL.  A rebuild has the task of its first attempt.
 */
struct builds {
	struct db *db;
	struct query *by_row, *by_ref, *sent, *done, *put_off, *verdict, *older,
	    *due, *heal, *heal_status;
};
void build_prepare(struct builds *, struct db *);

/* The row of an id, or the newest attempt of a reference; invalid if none. */
jv build_row(struct builds *, int64_t row);
jv build_newest(struct builds *, const jv *ref);

/*
 * Claim a row for as long as this process lives or until the descriptor, which
 * is returned, is closed; -1 if another process has it.  Row 0 is the round
 * of tack-poll(1).
 */
int build_claim(const char *database, int64_t row);

/*
 * The newest row before this one that it supersedes: of the same workflow in
 * the same line, and not final; 0 if there is none.
 */
int64_t build_older(struct builds *, int64_t row);

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
 * What became of it, each a transaction of its own:
 * a create or rebuild is about to be sent;
 * it has become a build ("build" of a record);
 * it is put off until then and why, and it is or is not known that nothing
 * was done;
 * it has come to nothing ("failed", "timeout", "cancelled").
 */
void build_sent(struct builds *, int64_t row, int64_t now);
void build_done(struct builds *, int64_t row, const jv *build);
void build_put_off(struct builds *, int64_t row, int64_t not_before,
    bool undone, const char *reason);
void build_verdict(
    struct builds *, int64_t row, const char *verdict, const char *reason);

#endif
