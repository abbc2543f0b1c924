/* SPDX-License-Identifier: ISC */
/* A run: a workflow of a pipeline, as its newest attempt stands. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/json.h"
#include "store/run.h"

void
run_prepare(struct runs *r, struct db *db)
{
	r->build = db_query(db, "look up run",
	    "SELECT provider, build_id, web_url, verdict, reason, number, org,"
	    " pipeline, attempt, ended OR verdict IS NOT NULL FROM build"
	    " WHERE knot = :knot AND pipeline_rkey = :rkey"
	    " AND workflow = :workflow ORDER BY attempt DESC LIMIT 1");
	r->status = db_query(db, "look up status",
	    "SELECT status, created_at, status NOT IN ('pending', 'running')"
	    " FROM status"
	    " WHERE knot = :knot AND pipeline_rkey = :rkey"
	    " AND workflow = :workflow AND attempt >= :attempt");
	r->event = db_query(db, "look up error",
	    "SELECT json_extract(e.event, '$.error')"
	    " FROM status AS s JOIN event AS e ON e.created = s.event"
	    " WHERE knot = :knot AND pipeline_rkey = :rkey"
	    " AND workflow = :workflow");
}

static char *
copy(struct query *q, int column)
{
	const char *text = db_text(q, column);

	return text != NULL ? xstrdup(text) : NULL;
}

static void
ask(struct query *q, const char *knot, const char *rkey, const char *workflow)
{
	db_bind(q, ":knot", knot);
	db_bind(q, ":rkey", rkey);
	db_bind(q, ":workflow", workflow);
}

static jv
build(struct query *q)
{
	static const struct {
		const char *name;
		int column;
	} members[] = { { "id", 1 }, { "number", 5 }, { "org", 6 },
		{ "pipeline", 7 }, { "web_url", 2 } };
	jv object = jv_object();

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (db_text(q, members[i].column) != NULL)
			object = json_set_str(object, members[i].name,
			    db_text(q, members[i].column));
	return object;
}

bool
run_look(struct runs *r, const char *knot, const char *rkey,
    const char *workflow, struct run *run)
{
	int64_t attempt = 1;
	bool known;

	memset(run, 0, sizeof(*run));
	run->build = jv_invalid();
	ask(r->build, knot, rkey, workflow);
	if ((known = db_step(r->build))) {
		run->provider = copy(r->build, 0);
		run->build_id = copy(r->build, 1);
		run->web_url = copy(r->build, 2);
		run->verdict = copy(r->build, 3);
		run->reason = copy(r->build, 4);
		attempt = db_int(r->build, 8);
		run->over = db_int(r->build, 9) != 0;
		if (run->build_id != NULL) {
			jv_free(run->build);
			run->build = build(r->build);
		}
		db_reset(r->build);
	}
	ask(r->status, knot, rkey, workflow);
	db_bind_int(r->status, ":attempt", attempt);
	if (db_step(r->status)) {
		known = true;
		run->status = copy(r->status, 0);
		run->when = db_int(r->status, 1);
		run->over = run->over || db_int(r->status, 2) != 0;
		db_reset(r->status);
	}
	return known;
}

char *
run_error(
    struct runs *r, const char *knot, const char *rkey, const char *workflow)
{
	char *text = NULL;

	ask(r->event, knot, rkey, workflow);
	if (db_step(r->event)) {
		text = copy(r->event, 0);
		db_reset(r->event);
	}
	return text;
}

void
run_free(struct run *run)
{
	jv_free(run->build);
	free(run->provider);
	free(run->build_id);
	free(run->web_url);
	free(run->verdict);
	free(run->reason);
	free(run->status);
}
