/* SPDX-License-Identifier: ISC */
/* Waiting for a moment without sleeping. */
#ifndef BASE_SPIN_H
#define BASE_SPIN_H

#include <poll.h>

/*
 * Poll as poll(2) does, for the given number of microseconds at most, but
 * without sleeping: to be woken on a CPU that went idle takes longer than an
 * event that comes soon.  Returns 0 at once where this process has a single
 * CPU, on which to spin would keep other processes from causing the event.
 */
int spin_poll(struct pollfd *fds, nfds_t count, int microseconds);

#endif
