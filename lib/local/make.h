/* SPDX-License-Identifier: ISC */
/* How a build of the embedded CI comes to be. */
#ifndef LOCAL_MAKE_H
#define LOCAL_MAKE_H

#include <stdbool.h>

#include <jv.h>

#include "local/job.h"

/*
 * Make the directory of the build id for task, and call body(id, arg) in a
 * process that outlives this one: it has a session of its own, and of this
 * one's files nothing but standard error, which is the build's runner.log.
 * The process holds the build's lock from before the build can be seen.
 * state, given, becomes state.json with a number, in order of arrival.  A
 * build that is there already stays as it is.  Returns false if there is none
 * after all.
 */
bool make_build(const struct dir *dir, const char *id, const jv *task, jv state,
    void (*body)(const char *id, void *arg), void *arg);

#endif
