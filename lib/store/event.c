/* SPDX-License-Identifier: ISC */
/* The event log: appending to it. */
#include "base/clock.h"
#include "data/tid.h"
#include "store/event.h"

void
event_prepare(struct event_log *log, struct db *db)
{
	log->last = db_query(db, "look up the last event",
	    "SELECT max(coalesce((SELECT max(created) FROM event), 0),"
	    " (SELECT created FROM floor))");
	log->insert = db_query(db, "append event",
	    "INSERT INTO event (created, rkey, nsid, event, before)"
	    " VALUES (:created, :rkey, :nsid, :event, nullif(:before, 0))");
}

int64_t
event_append(const struct event_log *log, const char *nsid, const char *record,
    int64_t before)
{
	char rkey[TID_LENGTH + 1];
	int64_t created = clock_ns(), last = 0;

	if (db_step(log->last)) {
		last = db_int(log->last, 0);
		db_reset(log->last);
	}
	/* A whole microsecond later, for the record key counts in those. */
	if (created / 1000 <= last / 1000)
		created = (last / 1000 + 1) * 1000;
	tid_make(rkey, created / 1000, 0);
	db_bind_int(log->insert, ":created", created);
	db_bind(log->insert, ":rkey", rkey);
	db_bind(log->insert, ":nsid", nsid);
	db_bind(log->insert, ":event", record);
	db_bind_int(log->insert, ":before", before);
	db_step(log->insert);
	return created;
}
