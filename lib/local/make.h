/* SPDX-License-Identifier: ISC */
/* Making a build of the embedded CI, and starting its process. */
#ifndef LOCAL_MAKE_H
#define LOCAL_MAKE_H

#include <stdbool.h>

#include <jv.h>

#include "local/dir.h"

/*
 * Make the directory of the build id for task, and call body(id, arg) in a
 * process that outlives this one: the process has a session of its own, and no
 * file of this process; its standard error is the build's runner.log.  The
 * process holds the build's lock from before the build can be seen.  state,
 * given, becomes state.json with a number, in order of arrival.  A build that
 * exists already stays as it is.  Returns false if the build does not exist
 * after all.
 */
bool make_build(const struct dir *dir, const char *id, const jv *task, jv state,
    void (*body)(const char *id, void *arg), void *arg);

#endif
