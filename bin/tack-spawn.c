/* SPDX-License-Identifier: ISC */
/* tack-spawn: start a build for each workflow of a pipeline. */
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/setting.h"
#include "ci/call.h"
#include "ci/program.h"
#include "ci/provider.h"
#include "data/json.h"
#include "data/print.h"
#include "data/record.h"
#include "flow/attempt.h"
#include "flow/control.h"
#include "flow/filter.h"
#include "flow/hold.h"
#include "flow/permit.h"
#include "flow/starters.h"
#include "flow/workflow.h"
#include "store/build.h"
#include "store/db.h"
#include "store/ref.h"

#define PROVIDERS 16
#define PATIENCE 2 /* seconds a record waits for its builds */
#define ROUND 45000 /* ms a round lasts */

struct tool {
	const char *path;
	struct db *db;
	struct builds builds;
	struct query *insert, *which;
	struct program *program;
	struct permit *permit;
	struct {
		char *name;
		struct provider *provider;
		struct call *call;
	} known[PROVIDERS];
	size_t count;
	int64_t patience; /* milliseconds */
	bool dev;
	bool deferred;
};

static void
usage(void)
{
	fprintf(stderr,
	    "usage: tack-spawn [-k] [-d database] [-w seconds]\n"
	    "       tack-spawn -r | -s row [-d database] [-w seconds]\n");
	exit(EX_USAGE);
}

static bool
choose(
    struct tool *t, const char *name, struct provider **p, struct call **call)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (strcmp(t->known[i].name, name) == 0)
			break;
	if (i == t->count) {
		if (i == PROVIDERS || strchr(name, '/') != NULL ||
		    *name == '.' || (*p = provider_load(name)) == NULL)
			return false;
		t->known[i].provider = *p;
		t->known[i].call = call_open(name, *p, t->db);
		t->known[i].name = xstrdup(name);
		t->count++;
	}
	*p = t->known[i].provider;
	*call = t->known[i].call;
	return *call != NULL;
}

/* A task whose build is not to be: it becomes a row with our verdict. */
static jv
fail(jv task, const char *reason)
{
	task = json_set_str(task, "error", reason);
	return json_set_str(task, "provider", "none");
}

/* A reason that repeats what a stranger wrote. */
static jv
complain(jv task, const char *reason)
{
	char *plain = print_plain(reason, false);

	task = json_set_str(task, "error", plain);
	free(plain);
	return task;
}

/*
 * The provider and its options: the first key under "tack" other than
 * "cancel", which is our own.
 */
static jv
route(jv task, const jv *workflow, char **name)
{
	jv tack = json_get(workflow, "tack"), cancel, options;

	*name = NULL;
	if (jv_get_kind(tack) != JV_KIND_OBJECT) {
		jv_free(tack);
		return fail(
		    task, "the workflow has no tack: block that names its CI");
	}
	cancel = json_get(&tack, "cancel");
	if (jv_is_valid(cancel)) {
		char *word = json_word(&cancel);

		if (word == NULL || strcmp(word, "superseded") != 0)
			task = fail(task, "tack.cancel can only be superseded");
		free(word);
		task = json_set(task, "supersede", jv_true());
		tack = json_drop(tack, "cancel");
	}
	jv_free(cancel);
	if ((*name = json_first(&tack)) == NULL)
		task = fail(task, "the tack: block names no CI");
	else {
		options = json_get(&tack, *name);
		if (jv_get_kind(options) == JV_KIND_NULL) {
			jv_free(options);
			options = jv_object();
		}
		task = json_set(task, "options", options);
		if (jv_object_length(jv_copy(tack)) > 1)
			warnx("a tack: block names several CIs; the first"
			      " is taken");
	}
	jv_free(tack);
	return task;
}

/* What the provider finds of the task: where its build will be. */
static jv
plan(struct tool *t, jv task, const char *name)
{
	struct provider *p;
	struct call *call;
	jv said, in = jv_object();
	const char *error;
	char *why;

	if (!choose(t, name, &p, &call)) {
		why = xasprintf("no CI of that name here: %.64s", name);
		task = complain(fail(task, ""), why);
		free(why);
		return task;
	}
	task = json_set_str(permit_options(task, p), "provider", name);
	in = json_set(in, "task", jv_copy(task));
	said = call_ask(call, "plan", in, BUDGET_URGENT);
	if (jv_get_kind(said) != JV_KIND_OBJECT)
		task = json_set_str(task, "error", "the CI has no plan for it");
	else if ((error = json_str(&said, "error")) != NULL)
		task = complain(task, error);
	else {
		task = json_set(task, "place", json_get(&said, "build"));
		if ((why = permit_place(t->permit, &task, name, p)) != NULL)
			task =
			    complain(fail(json_drop(task, "place"), ""), why);
		free(why);
	}
	jv_free(said);
	return task;
}

/* A task with all that its row needs. */
static jv
prepare(struct tool *t, jv task)
{
	jv raw = json_get(&task, "raw"), workflow, message;
	char *text = jv_is_valid(raw) ? json_word(&raw) : NULL, *name;

	jv_free(raw);
	task = json_drop(task, "raw");
	if (json_str(&task, "error") != NULL) {
		free(text);
		return json_set_str(task, "provider", "none");
	}
	workflow = text != NULL ? workflow_parse(text, strlen(text)) :
				  jv_invalid_with_msg(jv_string("NUL in it"));
	free(text);
	if (!jv_is_valid(workflow)) {
		message = jv_invalid_get_msg(workflow);
		text = json_word(&message);
		jv_free(message);
		name = xasprintf(
		    "the workflow file: %s", text != NULL ? text : "not YAML");
		task = fail(task, name);
		free(name);
		free(text);
		return task;
	}
	task = route(task, &workflow, &name);
	task = json_set(task, "workflow", workflow);
	if (json_str(&task, "error") == NULL)
		task = plan(t, task, name);
	free(name);
	return task;
}

/* The intent, once; returns its row. */
static int64_t
intend(struct tool *t, const jv *task)
{
	jv ref = json_get(task, "ref"), place = json_get(task, "place");
	jv kept = jv_copy(*task);
	const char *error = json_str(task, "error");
	char *text;
	int64_t row = 0;

	permit_note(t->permit, task);
	kept = json_drop(json_drop(kept, "place"), "provider");
	text = print_text(kept);
	if (!jv_is_valid(place)) {
		jv_free(place);
		place = jv_object();
	}
	ref_bind(t->insert, &ref);
	db_bind(t->insert, ":provider", json_str(task, "provider"));
	db_bind(t->insert, ":org", json_str(&place, "org"));
	db_bind(t->insert, ":pipeline", json_str(&place, "pipeline"));
	db_bind(t->insert, ":task", text);
	db_bind(t->insert, ":line", json_str(task, "line"));
	db_bind(t->insert, ":verdict", error != NULL ? "failed" : NULL);
	db_bind(t->insert, ":reason", error);
	while (db_step(t->insert))
		continue;
	ref_bind(t->which, &ref);
	if (db_step(t->which)) {
		row = db_int(t->which, 0);
		db_reset(t->which);
	}
	free(text);
	jv_free(place);
	jv_free(ref);
	return row;
}

struct batch {
	struct tool *tool;
	jv settled; /* what needs no start */
	jv tasks;
	int64_t rows[64];
	size_t count;
};

/* What a task that is settled leaves behind: whose it was. */
static jv
settled_of(const jv *task)
{
	jv rec = jv_object(), ref = json_get(task, "ref");

	if (jv_is_valid(ref))
		return json_set(rec, "ref", ref);
	jv_free(ref);
	return rec;
}

static void
sort(jv task, void *arg)
{
	struct batch *b = arg;
	const char *ignored = json_str(&task, "ignored");
	const char *malformed = json_str(&task, "malformed");

	if (ignored == NULL && malformed == NULL)
		ignored = permit_refused(b->tool->permit, &task);
	if (ignored != NULL || malformed != NULL) {
		b->settled = jv_array_append(b->settled,
		    record_settle(settled_of(&task),
			ignored != NULL ? RECORD_IGNORED : RECORD_MALFORMED,
			ignored != NULL ? ignored : malformed));
		jv_free(task);
	} else
		b->tasks = jv_array_append(b->tasks, prepare(b->tool, task));
}

static void
store(jv task, void *arg)
{
	struct batch *b = arg;
	int64_t row = intend(b->tool, &task);

	if (row != 0 && b->count < sizeof(b->rows) / sizeof(b->rows[0]))
		b->rows[b->count++] = row;
	jv_free(task);
}

/* To be tried again? That is the exit status. */
static void
heed(struct tool *t, const jv *rec)
{
	if (record_outcome(rec) == RECORD_DEFERRED)
		t->deferred = true;
}

static void
keep(jv rec, void *arg)
{
	struct batch *b = arg;

	heed(b->tool, &rec);
	b->settled = jv_array_append(b->settled, rec);
}

static jv
spawn(jv rec, void *arg)
{
	struct batch b = { .tool = arg, jv_array(), jv_array(), { 0 }, 0 };
	jv tasks, started;

	rec = json_set(rec, "dev", jv_bool(b.tool->dev));
	tasks = program_run(b.tool->program, rec);
	if (jv_get_kind(tasks) != JV_KIND_ARRAY) {
		jv_free(tasks);
		jv_free(b.tasks);
		jv_free(b.settled);
		return record_settle(jv_object(), RECORD_MALFORMED,
		    "not a pipeline record that can be read");
	}
	json_each(&tasks, sort, &b);
	jv_free(tasks);
	db_begin(b.tool->db);
	json_each(&b.tasks, store, &b);
	db_commit(b.tool->db);
	jv_free(b.tasks);
	started = starters_run(
	    &b.tool->builds, b.tool->path, b.rows, b.count, b.tool->patience);
	json_each(&started, keep, &b);
	jv_free(started);
	return b.settled;
}

static void
print(jv rec, void *arg)
{
	heed(arg, &rec);
	print_line(stdout, rec);
}

static void
finish(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		err(EX_IOERR, "stdout");
}

/* What was put off and is due, in its order. */
static void
round_of(struct tool *t)
{
	int64_t *rows;
	size_t count = build_due(&t->builds, &rows);
	jv records;

	records = starters_run(&t->builds, t->path, rows, count, ROUND);
	json_each(&records, print, t);
	jv_free(records);
	free(rows);
	finish();
}

static void
prepare_queries(struct tool *t)
{
	build_prepare(&t->builds, t->db);
	t->insert = db_query(t->db, "store an intent",
	    "INSERT INTO build (provider, knot, pipeline_rkey, workflow, org,"
	    " pipeline, task, line, verdict, reason)"
	    " VALUES (:provider, :knot, :rkey, :workflow, :org, :pipeline,"
	    " :task, :line, :verdict, :reason)"
	    " ON CONFLICT (knot, pipeline_rkey, workflow, attempt)"
	    " DO UPDATE SET task = coalesce(task, excluded.task),"
	    " line = coalesce(line, excluded.line)");
	t->which = db_query(t->db, "look up an intent",
	    "SELECT id FROM build WHERE knot = :knot"
	    " AND pipeline_rkey = :rkey AND workflow = :workflow"
	    " AND attempt = 1");
}

int
main(int argc, char *argv[])
{
	const char *path = NULL;
	bool again = false, keep = false;
	int64_t row = 0;
	struct tool t = { .patience = PATIENCE * 1000 };
	int ch, status = 0;

	while ((ch = getopt(argc, argv, "d:krs:w:")) != -1)
		switch (ch) {
		case 'd':
			path = optarg;
			break;
		case 'k':
			keep = true;
			break;
		case 'r':
			again = true;
			break;
		case 's':
			row = setting_argument("-s", optarg, 1, INT64_MAX);
			break;
		case 'w':
			t.patience =
			    setting_argument("-w", optarg, 0, 3600) * 1000;
			break;
		default:
			usage();
		}
	if (optind != argc || again + keep + (row != 0) > 1)
		usage();
	t.path = db_path(path);
	if (keep) {
		char wait[24];
		const char *const filter[] = { "tack-spawn", "-d", t.path, "-w",
			wait, NULL };

		snprintf(wait, sizeof(wait), "%" PRId64, t.patience / 1000);
		return hold_run(filter);
	}
	t.dev = setting_on("TACK_DEV");
	attempt_limit();

	t.db = db_open(t.path, DB_WRITE_FULL);
	prepare_queries(&t);
	if (row != 0) {
		print(control_start(&t.builds, t.path, row), &t);
		finish();
	} else if (again)
		round_of(&t);
	else {
		if ((t.program = program_load("pipeline.jq")) == NULL)
			errx(EX_CONFIG, "share/pipeline.jq is not there");
		t.permit = permit_open(t.db);
		status = filter(spawn, &t);
		permit_close(t.permit);
		program_free(t.program);
	}
	for (size_t i = 0; i < t.count; i++) {
		call_close(t.known[i].call);
		provider_free(t.known[i].provider);
		free(t.known[i].name);
	}
	db_close(t.db);
	return t.deferred ? EX_TEMPFAIL : status;
}
