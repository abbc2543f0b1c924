/* SPDX-License-Identifier: ISC */
/* Fetch a build's log from the CI into what is kept of it. */
#ifndef LOG_FETCH_H
#define LOG_FETCH_H

#include <stdbool.h>

#include "log/mask.h"

/*
 * Fetch what there is, or if follow is set what comes, until the run is over
 * and all of its log is here.  One process fetches a build at a time: the
 * others wait for it to go away.  Secrets are masked where they stand in one
 * piece.  Returns an exit status: 0, also where what is kept names the fault;
 * EX_TEMPFAIL if the CI could not be asked for everything now.
 */
int fetch_log(const char *database, const char *knot, const char *rkey,
    const char *workflow, struct mask *, bool follow);

#endif
