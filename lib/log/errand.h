/* SPDX-License-Identifier: ISC */
/* Having a log fetched by another process. */
#ifndef LOG_ERRAND_H
#define LOG_ERRAND_H

#include <stdbool.h>

/* A tack-fetch(1) at work; it ends when this process does. */
struct errand;

/*
 * Have the log of a run fetched by a child or, if $TACK_LOGS_SOCKET names a
 * Unix socket, by the process that listens there.  With follow that goes on
 * until the log is whole.  To be called before sandbox().  Exits with
 * EX_TEMPFAIL if neither can be had.
 */
struct errand *errand_send(const char *database, const char *knot,
    const char *rkey, const char *workflow, bool follow);

/*
 * Has the errand ended?  With wait, block until it has.  Sets *status to its
 * exit status, -1 if it was killed, 0 while it goes on.
 */
bool errand_over(struct errand *errand, bool wait, int *status);

#endif
