/* SPDX-License-Identifier: ISC */
/* Starting builds side by side, each in a process of its own. */
#ifndef FLOW_STARTERS_H
#define FLOW_STARTERS_H

#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "store/build.h"

/*
 * Starts the builds of count rows, several tack-spawn -s at once, and waits for
 * them patience milliseconds.  A process that needs longer goes on alone, and
 * stores what it hears.  Returns the records in the order in which they came;
 * for each row that was not heard of, a record that is deferred.
 */
jv starters_run(struct builds *builds, const char *database,
    const int64_t *rows, size_t count, int64_t patience);

#endif
