/* SPDX-License-Identifier: ISC */
/* What the embedded CI is asked to do. */
#ifndef LOCAL_TASK_H
#define LOCAL_TASK_H

#include <stdint.h>

#include <jv.h>

#define TASK_STEPS 1000 /* at most */

/* Why a task cannot run here, whatever is done; NULL if it can. */
const char *task_refused(const jv *task);

/*
 * The environment of a step of a task, an object of strings: the workflow's,
 * the step's and then tack's, of which the later wins.  Returns what is wrong
 * with it or NULL.
 */
const char *task_env(jv *env, const jv *task, const jv *step);

/* A member's member, invalid if there is none such. */
jv task_member(const jv *object, const char *a, const char *b);

/* The value as a positive integer, or other where it is none. */
int64_t task_integer(jv, int64_t other);

#endif
