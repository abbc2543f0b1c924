/* SPDX-License-Identifier: ISC */
/* To look for a while before sleeping. */
#ifndef BASE_LOOK_H
#define BASE_LOOK_H

#include <poll.h>

/*
 * Poll as poll(2) does, for some microseconds, but without sleeping: to be
 * woken on a CPU that went idle takes longer than what is awaited, if that
 * comes soon.  Returns 0 at once where this process has a single CPU, on which
 * to look would keep others from bringing it.
 */
int look_poll(struct pollfd *fds, nfds_t count, int microseconds);

#endif
