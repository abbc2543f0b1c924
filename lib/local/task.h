/* SPDX-License-Identifier: ISC */
/* What the embedded CI is asked to do. */
#ifndef LOCAL_TASK_H
#define LOCAL_TASK_H

#include <stdint.h>

#include <jv.h>

#define TASK_STEPS 1000 /* at most */

/*
 * Why a task cannot run here, whatever is done, for the caller to free; NULL
 * if it can.
 */
char *task_refused(const jv *task);

/*
 * Set env to the environment of a step of a task, an object of strings: the
 * workflow's variables, the step's and then tack's, of which the later wins.
 * Returns what is wrong with it, or NULL.
 */
const char *task_env(jv *env, const jv *task, const jv *step);

/* Get a member's member; invalid if there is none. */
jv task_member(const jv *object, const char *a, const char *b);

/* Get value, given, as a positive integer, or other where it is none. */
int64_t task_integer(jv value, int64_t other);

/*
 * Make of a stranger's text something for a message, for the caller to free:
 * one line, not long.
 */
char *task_plain(const char *text);

#endif
