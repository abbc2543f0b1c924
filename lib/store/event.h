/* SPDX-License-Identifier: ISC */
/* The event log, what /events serves. */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include <stdint.h>

#include "store/db.h"

struct event_log {
	struct query *last, *insert;
};

/* event_prepare makes a log of the database's events. */
void event_prepare(struct event_log *log, struct db *db);

/*
 * event_append appends a record to the log, within db_begin and db_commit.
 * before is the time of the last event of the same workflow, 0 if there is
 * none. It returns the event's time in unix nanoseconds, which is its cursor:
 * later than that of every event there was, whatever the clock says.
 */
int64_t event_append(const struct event_log *log, const char *nsid,
    const char *record, int64_t before);

#endif
