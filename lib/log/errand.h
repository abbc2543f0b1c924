/* SPDX-License-Identifier: ISC */
/* Send another process to fetch a log. */
#ifndef LOG_ERRAND_H
#define LOG_ERRAND_H

#include <stdbool.h>

#include "log/mask.h"

/*
 * Have fetch_log() called elsewhere: by a child, or if $TACK_LOGS_SOCKET names
 * a Unix socket, by whoever listens there.  It ends when we do.  Not while a
 * connection to the database is open, and before the sandbox.  Exits with
 * EX_TEMPFAIL if it cannot be had.
 */
struct errand;
struct errand *errand_send(const char *database, const char *knot,
    const char *rkey, const char *workflow, struct mask *, bool follow);

/*
 * Is it over, or wait until it is?  Then status is its exit status, -1 if it
 * was killed.  Over for good, once said.
 */
bool errand_over(struct errand *, bool wait, int *status);

/*
 * Be the other end: standard input is a connection to the socket.  Returns an
 * exit status.
 */
int errand_run(const char *database, struct mask *);

#endif
