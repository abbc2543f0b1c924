/* SPDX-License-Identifier: ISC */
/* Starting builds side by side, each in a process of its own. */
#ifndef STARTERS_H
#define STARTERS_H

#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "build.h"

/*
 * Start the builds of rows, several tack-spawn -s at once, and wait for them
 * so many milliseconds; who is slower goes on alone, and stores what comes of
 * it.  Returns the records, as they came; of what has not been heard of, one
 * that is deferred.
 */
jv starters_run(struct builds *, const char *database, const int64_t *rows,
    size_t count, int64_t patience);

#endif
