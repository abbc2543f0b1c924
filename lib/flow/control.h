/* SPDX-License-Identifier: ISC */
/* Starting, stopping and doing again what is built. */
#ifndef FLOW_CONTROL_H
#define FLOW_CONTROL_H

#include <stdint.h>

#include <jv.h>

#include "store/build.h"

/*
 * In each function here, builds is prepared on the database whose path is
 * database, and row is the id of a row.  If another process has claimed the
 * row, the record is deferred.
 */

/*
 * Starts the build of a row, or finds it if it was started before and the
 * answer was lost.  Returns the record for tack-status(1), or one that is
 * settled as deferred.  Where the CI says no for good, the row gets a verdict.
 */
jv control_start(struct builds *builds, const char *database, int64_t row);

/*
 * Stops the build of a row.  If the CI was never asked for it, the row gets a
 * verdict; if the answer was lost, the build is searched first.  Returns the
 * record of what the CI says now; if it has a "reason", that is why the build
 * is not stopped.
 */
jv control_stop(struct builds *builds, const char *database, int64_t row);

/*
 * Has the CI do the failed parts of a row's build again.  Returns a record as
 * control_stop() does.
 */
jv control_retry(struct builds *builds, const char *database, int64_t row);

#endif
