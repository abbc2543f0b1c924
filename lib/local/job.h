/* SPDX-License-Identifier: ISC */
/* Builds of the embedded CI, a directory each. */
#ifndef LOCAL_JOB_H
#define LOCAL_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <jv.h>

#include "local/dir.h"

/* Set id to that of the build for an attempt at ref: always the same one. */
void job_id(char id[DIR_ID + 1], const jv *ref, int64_t attempt);

/*
 * Take a build's lock.  Returns a descriptor, or -1 if another has it or the
 * build was removed.
 */
int job_lock(const struct dir *dir, const char *id);

/*
 * Hold the build's lock by flock(2) as well, for as long as this process lives:
 * that lock can be seen from within a sandbox.
 */
void job_hold(const struct dir *dir, const char *id);

/* Does the build's runner live? */
bool job_alive(const struct dir *dir, const char *id);

/*
 * Get a build's state.  If its runner is gone, its directories are cleaned and
 * a state that is not final becomes that of a build that failed; where there
 * is no room to write that, it is the result all the same.  Invalid if the
 * build was removed, null if the file is damaged.
 */
jv job_state(const struct dir *dir, const char *id);

/* When a build's state was written, in Unix milliseconds; -1 if it is gone. */
int64_t job_written(const struct dir *dir, const char *id);

/* Is the build of this state neither scheduled nor running? */
bool job_final(const jv *state);

/* Get a build's task.  Invalid if the build was removed, null if damaged. */
jv job_task(const struct dir *dir, const char *id);

/* Replace a build's state by state, given.  Returns false if there is no room.
 */
bool job_write(const struct dir *dir, const char *id, jv state);

/*
 * Replace a file of a build by v, given: wholly or not at all, even if the
 * power is cut.  If the disk is full, gives up the reserve.  Returns false,
 * with errno set, if there is no room even so.
 */
bool job_put(const struct dir *dir, const char *id, const char *file, jv v);

/* Make a build's reserve. */
void job_reserve(const struct dir *dir, const char *id);

/*
 * Give up a build's reserve, to make room on a full disk.  Returns whether
 * there was one; errno stays as it is.
 */
bool job_release(const struct dir *dir, const char *id);

/* Ask for the end of a build. */
void job_cancel(const struct dir *dir, const char *id);

/* Has the end of a build been asked for? */
bool job_cancelled(const struct dir *dir, const char *id);

/*
 * Open a step's log with these flags of open(2).  Returns a descriptor, or -1
 * with errno set.
 */
int job_log(const struct dir *dir, const char *id, const char *step, int flags);

/* Remove what a build's steps wrote, and its reserve.  Needs no room. */
void job_clean(const struct dir *dir, const char *id);

/* Remove what is called name in the directory of all builds, if it is there. */
void job_remove(const struct dir *dir, const char *name);

/* Make a text of Unix milliseconds, as RFC 3339. */
jv job_stamp(int64_t ms);

#endif
