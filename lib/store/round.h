/* SPDX-License-Identifier: ISC */
/* A round of asking the CIs: what it reads from the database, and notes there.
 */
#ifndef STORE_ROUND_H
#define STORE_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "store/build.h"
#include "store/db.h"

struct round {
	struct db *db;
	struct builds *builds;
	struct query *seen, *providers, *accounts, *verdicts, *last, *done,
	    *open, *stray, *asked, *missing, *found;
};

/* Prepares the statements of round; builds is prepared on the same database. */
void round_prepare(struct round *round, struct builds *builds);

/*
 * Calls build_heal(), notes the accounts in which builds are, and returns the
 * names of the providers that have something to be asked about.
 */
jv round_providers(struct round *round);

/*
 * Returns an object, in which the name of each account of the provider that is
 * to be asked has an array of builds as in a record, one for each of the CI's
 * pipelines.  An account is asked for a week after its last open build, which
 * may be done again there.
 */
jv round_accounts(struct round *round, const char *provider);

/*
 * Returns the rows, as build_row() does, of the provider's attempts that have a
 * verdict of ours which is not published yet.
 */
jv round_verdicts(struct round *round, const char *provider);

/* Returns when the account was last asked, in unix seconds; -1 if never. */
int64_t round_last(struct round *round, const char *account);

/* Notes that account was asked at a time.  Warns if that cannot be stored. */
void round_done(struct round *round, const char *account, int64_t at);

/* A build that has not ended, or whose state the CI must be asked for. */
struct round_build {
	int64_t id; /* of the row */
	jv row; /* as build_row() returns it */
	char *build_id;
	char *status; /* that is published of it, or NULL */
	bool held; /* it waits at a gate */
	bool asked; /* for the caller to set when it asks; false at first */
	/* in unix seconds: */
	int64_t begun_at;
	int64_t heard_at; /* of the last status, else when it began */
	int64_t missing_at; /* since when the CI does not know it, or 0 */
};

/*
 * Looks up the builds of BUILD_WATCHED in an account of the provider, the one
 * that was not asked for longest first.  Returns their number; each is for
 * round_build_free(), and *builds for free().
 */
size_t round_open(struct round *round, const char *provider,
    const char *account, struct round_build **builds);
void round_build_free(struct round_build *build);

/*
 * Returns the row of a build that appeared after its run was cancelled as never
 * begun; 0 if this is no such build, or if it was asked for later than now, in
 * unix seconds.
 */
int64_t round_stray(struct round *round, const char *provider,
    const char *build_id, int64_t now);

/* Notes that the build of row id was asked for at a time, in unix seconds. */
void round_asked(struct round *round, int64_t id, int64_t at);

/* Notes that the CI has not known the build of row id since the time at. */
void round_missing(struct round *round, int64_t id, int64_t at);

/* Notes that the CI knows the build of row id after all. */
void round_found(struct round *round, int64_t id);

#endif
