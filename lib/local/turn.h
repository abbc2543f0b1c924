/* SPDX-License-Identifier: ISC */
/* Whose turn it is among the builds of the embedded CI. */
#ifndef LOCAL_TURN_H
#define LOCAL_TURN_H

#include <stdint.h>

#include "local/dir.h"

/*
 * The builds that had a lower number than the build id, and were alive, when
 * that build came.  The set only shrinks: if each build waits until fewer than
 * N of its set are alive, builds begin in order of arrival and N run at once.
 */
struct turn {
	const struct dir *jobs;
	const char *id;
	int64_t number;
	char (*ids)[DIR_ID + 1]; /* for the caller to free */
	size_t count;
};

/* Find the set of the build id, which has this number. */
void turn_open(
    struct turn *turn, const struct dir *dir, const char *id, int64_t number);

/* Count the builds of the set that are still alive. */
int64_t turn_before(const struct turn *turn);

#endif
