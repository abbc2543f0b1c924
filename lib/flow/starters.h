/* SPDX-License-Identifier: ISC */
/* Starting builds side by side, each in a process of its own. */
#ifndef FLOW_STARTERS_H
#define FLOW_STARTERS_H

#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "store/build.h"

/*
 * Starts the builds of count rows, by several tack-spawn -s at once, and waits
 * for these processes for patience milliseconds.  A process that needs longer
 * goes on alone, and stores the CI's answer.  Returns the records in the order
 * in which they came; a row without an answer has a record that is deferred.
 */
jv starters_run(struct builds *builds, const char *database,
    const int64_t *rows, size_t count, int64_t patience);

#endif
