/* SPDX-License-Identifier: ISC */
/* Starting a build that is intended, exactly once, and stopping one. */
#ifndef FLOW_ATTEMPT_H
#define FLOW_ATTEMPT_H

#include <stdint.h>

#include <jv.h>

#include "store/build.h"

/*
 * TACK_SPAWN_LIMIT: after how many seconds a build that cannot be started is
 * given up.  Exits with EX_CONFIG if it is no number, so a tool asks before it
 * begins.
 */
int64_t attempt_limit(void);

/*
 * Start the build of a row, or find it if it was started before and nobody
 * heard.  database is its path.  Returns the record that tells of it, for
 * tack-status(1) or settled as deferred; a row that another process is at is
 * deferred, too.  Makes it a verdict where the CI says no for good.
 */
jv attempt_start(struct builds *, const char *database, int64_t row);

/*
 * Stop the build of a row: a build that was never asked for comes to nothing,
 * one that was is cancelled, if need be after it was found.  Returns the record
 * that tells what the CI says now; its "reason", where there is one, says why
 * not.
 */
jv attempt_stop(struct builds *, const char *database, int64_t row);

/* Have what failed in the build of a row done again; as attempt_stop(). */
jv attempt_retry(struct builds *, const char *database, int64_t row);

/*
 * A record of a row for tack-status(1): the build as it is known, with the
 * status and, unless NULL, the error.
 */
jv attempt_record(const jv *row, const char *status, const char *error);

#endif
