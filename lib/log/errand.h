/* SPDX-License-Identifier: ISC */
/* Send another process to fetch a log. */
#ifndef LOG_ERRAND_H
#define LOG_ERRAND_H

#include <stdbool.h>

/* A tack-fetch(1) at work; it ends when we do. */
struct errand;

/*
 * Have the log of a run fetched by a child or, if $TACK_LOGS_SOCKET names a
 * Unix socket, by the process that listens there.  With follow it goes on
 * until the log is whole.  Comes before the sandbox.  Exits with EX_TEMPFAIL
 * when nobody can be sent.
 */
struct errand *errand_send(const char *database, const char *knot,
    const char *rkey, const char *workflow, bool follow);

/*
 * Has it ended?  With wait, block until it has.  Once true, always true, and
 * then status is its exit status, -1 if it was killed; before that 0.
 */
bool errand_over(struct errand *errand, bool wait, int *status);

#endif
