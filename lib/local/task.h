/* SPDX-License-Identifier: ISC */
/* A task, as the embedded CI reads it. */
#ifndef LOCAL_TASK_H
#define LOCAL_TASK_H

#include <stdint.h>

#include <jv.h>

#define TASK_ARGUMENT 131072 /* bytes of a program's argument, and its NUL */
#define TASK_STEPS 1000 /* at most */

/*
 * Returns why a task can never run here, for the caller to free; NULL if it
 * can.
 */
char *task_refused(const jv *task);

/*
 * Set env to the environment of a step of a task, an object of strings: the
 * workflow's variables, then the step's, then tack's; the last of a name wins.
 * Returns what is wrong with the variables, or NULL.
 */
const char *task_env(jv *env, const jv *task, const jv *step);

/* Get member b of member a of object; invalid if there is none. */
jv task_member(const jv *object, const char *a, const char *b);

/* Get value, given, as a positive integer, or other where it is none. */
int64_t task_integer(jv value, int64_t other);

/*
 * Return a short copy of a stranger's text on one line, fit for a message, for
 * the caller to free.
 */
char *task_plain(const char *text);

#endif
