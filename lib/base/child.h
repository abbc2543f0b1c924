/* SPDX-License-Identifier: ISC */
/* Starting a program, with pipes to and from it. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <sys/types.h>

/*
 * Start the program argv[0], which is looked for in share_bin() and then in
 * PATH.  *in becomes a pipe to its standard input and *out a pipe from its
 * standard output; if in or out is NULL, the program shares ours.  The ends of
 * the pipes on our side do not block and are closed on exec.  The program
 * begins with no signal blocked and SIGPIPE not ignored.  Returns its process
 * id, or -1 with errno set after a warning.  The first call puts share_bin()
 * in front of PATH, for this process and all that it starts.
 */
pid_t child_start(const char *const argv[], int *in, int *out);

#endif
