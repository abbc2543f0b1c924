/* SPDX-License-Identifier: ISC */
/* tack-cancel: cancel a run, build it again, or retry what failed of it. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "data/json.h"
#include "data/record.h"
#include "flow/attempt.h"
#include "flow/control.h"
#include "flow/filter.h"
#include "store/build.h"
#include "store/db.h"

struct tool {
	const char *path;
	struct db *db;
	struct builds builds;
	struct query *open, *again;
	bool deferred;
};

static void
usage(void)
{
	fprintf(stderr, "usage: tack-cancel [-d database]\n");
	exit(EX_USAGE);
}

/* Has the newest attempt not come to an end, as far as is known? */
static bool
is_open(struct tool *t, int64_t row)
{
	bool open;

	db_bind_int(t->open, ":row", row);
	open = db_step(t->open);
	if (open)
		db_reset(t->open);
	return open;
}

/* Nothing to do, and why. */
static jv
idle(enum record_outcome outcome, const char *reason)
{
	return record_settle(jv_object(), outcome, reason);
}

static jv
cancel(struct tool *t, int64_t row)
{
	if (!is_open(t, row))
		return idle(RECORD_DUPLICATE, "it has ended");
	return control_stop(&t->builds, t->path, row);
}

/*
 * The next attempt is a row before it is a build: a rebuild that was sent, and
 * of which nobody heard, is looked for before another one is.
 */
static jv
rebuild(struct tool *t, int64_t row, const jv *run)
{
	jv build = json_get(run, "build"), ref, next;
	bool known = json_str(&build, "id") != NULL;

	jv_free(build);
	if (is_open(t, row)) {
		if (known || json_int(run, "attempt", 0) == 1)
			return idle(RECORD_DUPLICATE, "it has not ended");
		return control_start(&t->builds, t->path, row);
	}
	db_bind_int(t->again, ":row", row);
	db_begin(t->db);
	while (db_step(t->again))
		continue;
	db_commit(t->db);
	ref = json_get(run, "ref");
	next = build_newest(&t->builds, &ref);
	row = json_int(&next, "row", 0);
	jv_free(ref);
	jv_free(next);
	return control_start(&t->builds, t->path, row);
}

static jv
act(struct tool *t, const jv *ref, const char *verb)
{
	jv run, said;
	int64_t row;

	if (json_str(ref, "knot") == NULL ||
	    json_str(ref, "pipeline_rkey") == NULL ||
	    json_str(ref, "workflow") == NULL)
		return idle(RECORD_MALFORMED, "no ref");
	run = build_newest(&t->builds, ref);
	row = json_int(&run, "row", 0);
	if (row == 0)
		said = idle(RECORD_FAILED, "no such run");
	else if (verb != NULL && strcmp(verb, "cancel") == 0)
		said = cancel(t, row);
	else if (verb != NULL && strcmp(verb, "rebuild") == 0)
		said = rebuild(t, row, &run);
	else if (verb != NULL && strcmp(verb, "retry") == 0)
		said = control_retry(&t->builds, t->path, row);
	else
		said = idle(
		    RECORD_MALFORMED, "no verb of cancel, rebuild and retry");
	jv_free(run);
	return said;
}

static jv
handle(jv rec, void *arg)
{
	struct tool *t = arg;
	jv ref = json_get(&rec, "ref"), said;

	said = act(t, &ref, json_str(&rec, "verb"));
	jv_free(ref);
	if (record_outcome(&said) == RECORD_DEFERRED)
		t->deferred = true;
	return jv_object_merge(rec, said);
}

int
main(int argc, char *argv[])
{
	const char *path = NULL;
	struct tool t = { .deferred = false };
	int ch, status;

	while ((ch = getopt(argc, argv, "d:")) != -1)
		switch (ch) {
		case 'd':
			path = optarg;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	t.path = db_path(path);
	attempt_limit();

	t.db = db_open(t.path, DB_WRITE_FULL);
	build_prepare(&t.builds, t.db);
	t.open = db_query(t.db, "look whether a run is open",
	    "SELECT 1 FROM build WHERE id = :row AND NOT ended"
	    " AND verdict IS NULL");
	t.again = db_query(t.db, "store the next attempt",
	    "INSERT INTO build (provider, knot, pipeline_rkey, workflow,"
	    " attempt, org, pipeline)"
	    " SELECT provider, knot, pipeline_rkey, workflow, attempt + 1,"
	    " org, pipeline FROM build WHERE id = :row"
	    " ON CONFLICT DO NOTHING");

	status = filter(handle, &t);
	db_close(t.db);
	return t.deferred ? EX_TEMPFAIL : status;
}
