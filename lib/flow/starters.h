/* SPDX-License-Identifier: ISC */
/* Starting builds side by side, each in a process of its own. */
#ifndef FLOW_STARTERS_H
#define FLOW_STARTERS_H

#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "store/build.h"

/*
 * Start the builds of rows, several tack-spawn -s at once, and wait for them
 * so many milliseconds; who is slower goes on alone, and stores what comes of
 * it.  Returns the records, as they came; of what has not been heard of, one
 * that is deferred.
 */
jv starters_run(struct builds *, const char *database, const int64_t *rows,
    size_t count, int64_t patience);

#endif
