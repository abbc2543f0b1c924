/* SPDX-License-Identifier: ISC */
/* Which builds of the embedded CI are open, and which ended when. */
#ifndef LOCAL_INDEX_H
#define LOCAL_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "local/dir.h"

/*
 * Two directories beside the builds hold an empty file for each build, so that
 * no tool needs to look at all builds:
 *	open/ID			from before the build is there until it has
 *				ended and nothing is left to do for it
 *	ended/YYYY-MM-DD/ID	from then on, by the day on which it ended
 */

/* Make the index of a directory that has none. */
void index_open(const struct dir *dir);

/* Enter a build that is about to be there.  Exits if that fails. */
void index_add(const struct dir *dir, const char *id);

/*
 * Enter that a build ended at ms, in Unix milliseconds, and that nothing is
 * left to do for it.  Where there is no room for that, it stays open.
 */
void index_end(const struct dir *dir, const char *id, int64_t ms);

/* Is there something left to do for a build? */
bool index_is_open(const struct dir *dir, const char *id);

/* Call fn with the id of each open build, in no order. */
void index_each_open(
    const struct dir *dir, void (*fn)(const char *id, void *arg), void *arg);

/* Call fn with the id of each build that ended on the day of ms or later. */
void index_each_ended(const struct dir *dir, int64_t ms,
    void (*fn)(const char *id, void *arg), void *arg);

#endif
