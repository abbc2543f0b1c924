/* SPDX-License-Identifier: ISC */
/* The event log, what /events serves. */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include <stdint.h>

#include "store/db.h"

/*
 * The log's next event: a time in unix nanoseconds, later than every event
 * before whatever the clock says (it is the cursor, and its microseconds make
 * the record key).  Call within db_begin and db_commit.
 */
struct event_log {
	struct query *last, *insert;
};
void event_prepare(struct event_log *, struct db *);
int64_t
event_append(const struct event_log *, const char *nsid, const char *record);

#endif
