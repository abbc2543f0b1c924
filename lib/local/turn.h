/* SPDX-License-Identifier: ISC */
/* Whose turn it is among the builds of the embedded CI. */
#ifndef LOCAL_TURN_H
#define LOCAL_TURN_H

#include <stdint.h>

#include "local/job.h"

/*
 * The builds before one, by number, that were alive when it came.  None can
 * join them, so when each waits until fewer than so many are before it, those
 * that run are always the first there are.  ids is for the caller to free.
 */
struct turn {
	const struct job_dir *jobs;
	const char *id;
	int64_t number;
	char (*ids)[JOB_ID + 1];
	size_t count;
};
void turn_open(
    struct turn *, const struct job_dir *, const char *id, int64_t number);

/* How many are before us still? */
int64_t turn_before(const struct turn *);

#endif
