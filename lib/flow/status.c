/* SPDX-License-Identifier: ISC */
/* The function of tack-status: what a build has come to, published once. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "data/json.h"
#include "data/print.h"
#include "data/record.h"
#include "data/stamp.h"
#include "flow/status.h"
#include "store/event.h"
#include "store/ref.h"

#define NSID "sh.tangled.pipeline.status"
#define AHEAD 60000 /* ms: a time so far ahead is of another clock */
#define UNKNOWN (-1) /* of a time the CI did not give */

/* Where a workflow stands, or what a delivery says of it. */
struct view {
	char status[16];
	int64_t attempt; /* 0: there is none yet */
	/* of the last record, unix milliseconds */
	int64_t created_at, published_at;
	int64_t event; /* the last record's place in the log */
	int64_t started_at, finished_at; /* the CI's, unix seconds */
	bool held; /* the build waits at a gate */
	bool asked; /* the CI was asked since, so this is the truth */
	bool first; /* what it answered when it was asked to start */
};

struct status {
	struct db *db;
	struct event_log log;
	struct query *look, *insert, *update, *ask;
	bool news; /* the batch appended an event */
};

enum kind { NONE, PENDING, RUNNING, FINISHED, CANCELLED };

static const struct {
	const char *status;
	enum kind kind;
} kinds[] = {
	{ "pending", PENDING },
	{ "running", RUNNING },
	{ "failed", FINISHED },
	{ "timeout", FINISHED },
	{ "success", FINISHED },
	{ "cancelled", CANCELLED },
};

enum decision {
	PUBLISH,
	STALE, /* older than what is known */
	OLDER, /* stale if of an earlier attempt, else to be published */
	REOPEN, /* to be published if the build was re-opened */
	LATER /* to be published if it finished later */
};

/* What to do with a status of one kind (column) after one of another (row). */
static const enum decision decisions[][5] = {
	/*		NONE   PENDING	RUNNING	 FINISHED CANCELLED */
	[NONE] = { STALE, PUBLISH, PUBLISH, PUBLISH, PUBLISH },
	[PENDING] = { STALE, PUBLISH, PUBLISH, PUBLISH, PUBLISH },
	[RUNNING] = { STALE, STALE, PUBLISH, OLDER, PUBLISH },
	[FINISHED] = { STALE, STALE, REOPEN, LATER, PUBLISH },
	[CANCELLED] = { STALE, STALE, STALE, STALE, STALE },
};

static enum kind
kind(const char *status)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(status, kinds[i].status) == 0)
			return kinds[i].kind;
	return NONE;
}

bool
status_over(const char *status)
{
	return status != NULL && kind(status) >= FINISHED;
}

/* A time in whole seconds: one delivery has fractions, another has not. */
static int64_t
seconds(const char *text)
{
	int64_t ms = text != NULL ? stamp_read(text) : -1;

	return ms == -1 ? UNKNOWN : ms / 1000;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/*
 * Accept a change?  Returns the outcome; *ask is set when only the CI can
 * tell (the Buildkite rules, which fit whatever can re-open a build).
 */
static enum record_outcome
judge(const struct view *was, const struct view *now, bool *ask)
{
	enum decision d = decisions[kind(was->status)][kind(now->status)];

	*ask = false;
	if (was->attempt != now->attempt)
		return was->attempt < now->attempt ? RECORD_PUBLISHED :
						     RECORD_STALE;
	if (kind(was->status) == CANCELLED)
		return strcmp(was->status, now->status) == 0 ?
		    RECORD_DUPLICATE :
		    RECORD_STALE;
	if (strcmp(was->status, now->status) == 0)
		return RECORD_DUPLICATE;
	if (now->asked)
		return RECORD_PUBLISHED;
	if (now->first && kind(was->status) != PENDING &&
	    kind(was->status) != NONE)
		return RECORD_STALE; /* the build has gone on since */
	switch (d) {
	case PUBLISH:
		return RECORD_PUBLISHED;
	case STALE:
		*ask = kind(was->status) == FINISHED &&
		    now->started_at > was->started_at;
		return RECORD_STALE;
	case OLDER:
		return now->started_at != UNKNOWN &&
			now->started_at < was->started_at ?
		    RECORD_STALE :
		    RECORD_PUBLISHED;
	case REOPEN:
		if (was->held) {
			/* an unblocked build, or a delivery from before */
			*ask = true;
			return RECORD_PUBLISHED;
		}
		if (now->finished_at == UNKNOWN &&
		    was->finished_at != UNKNOWN && now->started_at != UNKNOWN &&
		    now->started_at > was->finished_at)
			return RECORD_PUBLISHED;
		*ask = true;
		return RECORD_STALE;
	case LATER:
		if (now->finished_at == UNKNOWN ||
		    was->finished_at == UNKNOWN ||
		    now->finished_at == was->finished_at) {
			*ask = true;
			return RECORD_STALE;
		}
		return now->finished_at > was->finished_at ? RECORD_PUBLISHED :
							     RECORD_STALE;
	}
	return RECORD_STALE;
}

static jv
news(const jv *ref, const jv *build, const struct view *now)
{
	const char *error = json_str(build, "error");
	char created[32], *plain;
	jv rec = jv_object();

	stamp_write(created, now->created_at);
	rec = json_set_str(rec, "$type", NSID);
	rec = json_set_str(rec, "pipeline", json_str(ref, "pipeline_uri"));
	rec = json_set_str(rec, "workflow", json_str(ref, "workflow"));
	rec = json_set_str(rec, "status", now->status);
	rec = json_set_str(rec, "createdAt", created);
	if (error != NULL && *error != '\0' && status_over(now->status) &&
	    strcmp(now->status, "success") != 0) {
		plain = print_plain(error, true);
		rec = json_set_str(rec, "error", plain);
		free(plain);
	}
	return rec;
}

static struct view
look(struct status *t, const jv *ref)
{
	struct view was = { .started_at = UNKNOWN, .finished_at = UNKNOWN };

	ref_bind(t->look, ref);
	if (!db_step(t->look))
		return was;
	snprintf(was.status, sizeof(was.status), "%s", db_text(t->look, 0));
	was.created_at = db_int(t->look, 1);
	was.started_at = db_int(t->look, 2);
	was.finished_at = db_int(t->look, 3);
	was.held = db_int(t->look, 4) != 0;
	was.attempt = db_int(t->look, 5);
	was.published_at = db_int(t->look, 6);
	was.event = db_int(t->look, 7);
	db_reset(t->look);
	return was;
}

static void
store(struct status *t, const jv *ref, const struct view *was,
    const struct view *now)
{
	struct query *q = was->attempt == 0 ? t->insert : t->update;

	ref_bind(q, ref);
	db_bind_int(q, ":attempt", now->attempt);
	db_bind(q, ":status", now->status);
	db_bind_int(q, ":created_at", now->created_at);
	db_bind_int(q, ":published_at", now->published_at);
	db_bind_int(q, ":started_at", now->started_at);
	db_bind_int(q, ":finished_at", now->finished_at);
	db_bind_int(q, ":held", now->held);
	db_bind_int(q, ":event", now->event);
	while (db_step(q))
		continue;
}

static jv
publish(struct status *t, jv rec, const jv *ref, const jv *build,
    const struct view *was, struct view *now)
{
	char cursor[24];
	char *text;
	jv record;

	now->published_at = clock_now();
	now->created_at = now->published_at;
	if (was->attempt == now->attempt)
		now->started_at = later(was->started_at, now->started_at);
	/*
	 * Tangled orders by whole seconds, also after a clock was ahead: a
	 * status that is dated before the last one would not be shown.
	 */
	if (was->created_at != 0)
		now->created_at =
		    later(now->created_at, was->created_at + 1000);
	record = news(ref, build, now);
	text = print_text(jv_copy(record));
	now->event = event_append(&t->log, NSID, text, was->event);
	free(text);
	store(t, ref, was, now);
	snprintf(cursor, sizeof(cursor), "%" PRId64, now->event);
	t->news = true;
	rec = json_set(rec, "status", record);
	rec = json_set_str(rec, "cursor", cursor);
	return record_settle(rec, RECORD_PUBLISHED, NULL);
}

/* A view of what stands already: its times may be news. */
static void
refresh(struct status *t, const jv *ref, const struct view *was,
    const struct view *now)
{
	struct view both = *was;

	both.started_at = later(was->started_at, now->started_at);
	both.finished_at = later(was->finished_at, now->finished_at);
	both.held = now->held;
	if (both.started_at != was->started_at ||
	    both.finished_at != was->finished_at || both.held != was->held ||
	    now->asked)
		store(t, ref, was, &both);
}

jv
status_record(jv rec, void *arg)
{
	struct status *t = arg;
	jv ref = json_get(&rec, "ref"), build = json_get(&rec, "build");
	const char *event = json_str(&rec, "event");
	const char *status = json_str(&build, "status");
	const char *blocked = json_str(&build, "blocked");
	struct view was, now = { .created_at = 0 };
	enum record_outcome outcome;
	bool ask;

	if (!ref_whole(&ref)) {
		rec = record_settle(rec, RECORD_MALFORMED, "no ref");
		goto done;
	}
	if (status == NULL || kind(status) == NONE) {
		ref_bind(t->ask, &ref);
		db_step(t->ask);
		rec = record_settle(rec, RECORD_IGNORED,
		    "the build's state means nothing to us");
		goto done;
	}
	snprintf(now.status, sizeof(now.status), "%s", status);
	now.started_at = seconds(json_str(&build, "started_at"));
	now.finished_at = seconds(json_str(&build, "finished_at"));
	now.held = blocked != NULL && strcmp(blocked, "true") == 0;
	now.attempt = ref_attempt(&ref);

	was = look(t, &ref);
	/*
	 * What was published since it was asked may be newer than the answer,
	 * but not what was published by a clock that was ahead.
	 */
	now.asked = event != NULL && strcmp(event, "poll") == 0 &&
	    (was.published_at <= json_int(&rec, "asked_at", INT64_MAX) ||
		was.published_at > clock_now() + AHEAD);
	now.first = event != NULL && strcmp(event, "spawn") == 0;
	outcome = judge(&was, &now, &ask);
	if (outcome == RECORD_PUBLISHED) {
		rec = publish(t, rec, &ref, &build, &was, &now);
	} else if (outcome == RECORD_DUPLICATE) {
		refresh(t, &ref, &was, &now);
		rec = record_settle(rec, outcome, NULL);
	} else
		rec = record_settle(rec, outcome,
		    ask ? "only the CI can tell, and is to be asked" : NULL);
	if (ask) {
		ref_bind(t->ask, &ref);
		db_step(t->ask);
	}
done:
	jv_free(ref);
	jv_free(build);
	return rec;
}

void
status_begin(void *arg)
{
	struct status *t = arg;

	t->news = false;
	db_begin(t->db);
}

void
status_commit(void *arg)
{
	struct status *t = arg;

	db_commit(t->db);
	if (t->news)
		db_ring(t->db);
}

struct status *
status_open(struct db *db)
{
	struct status *t = xcalloc(1, sizeof(*t));

	t->db = db;
	event_prepare(&t->log, db);
	t->look = db_query(db, "look up status",
	    "SELECT status, created_at, started_at, finished_at, held,"
	    " attempt, published_at, event FROM status"
	    " WHERE knot = :knot AND pipeline_rkey = :rkey"
	    " AND workflow = :workflow");
	t->insert = db_query(db, "store a first status",
	    "INSERT INTO status (knot, pipeline_rkey, workflow, status,"
	    " created_at, started_at, finished_at, held, ask, attempt,"
	    " published_at, event)"
	    " VALUES (:knot, :rkey, :workflow, :status, :created_at,"
	    " :started_at, :finished_at, :held, 0, :attempt,"
	    " :published_at, :event)");
	t->update = db_query(db, "store a status",
	    "UPDATE status SET status = :status, created_at = :created_at,"
	    " started_at = :started_at, finished_at = :finished_at,"
	    " held = :held, ask = 0, attempt = :attempt,"
	    " published_at = :published_at, event = :event"
	    " WHERE knot = :knot AND pipeline_rkey = :rkey"
	    " AND workflow = :workflow");
	t->ask = db_query(db, "mark for asking",
	    "UPDATE status SET ask = 1"
	    " WHERE knot = :knot AND pipeline_rkey = :rkey"
	    " AND workflow = :workflow AND NOT ask");
	return t;
}

void
status_close(struct status *t)
{
	free(t);
}
