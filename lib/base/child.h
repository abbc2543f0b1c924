/* SPDX-License-Identifier: ISC */
/* Programs to run, with pipes to them. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <sys/types.h>

/*
 * Start a program, found beside the running binary or by PATH, with a pipe to
 * its standard input and one from its standard output; ours are what it gets
 * where the pointer is NULL. Our ends do not block and close on exec.  No
 * signal is blocked or ignored in it.  Returns its process id or, having said
 * why, -1 with errno set.
 */
pid_t child_start(const char *const argv[], int *in, int *out);

#endif
