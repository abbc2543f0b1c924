/* SPDX-License-Identifier: ISC */
/* tack-poll: ask each CI what its builds have come to. */
#include <bsd/vis.h>
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/setting.h"
#include "ci/answer.h"
#include "ci/call.h"
#include "ci/provider.h"
#include "ci/seal.h"
#include "data/json.h"
#include "data/print.h"
#include "data/stamp.h"
#include "flow/attempt.h"
#include "store/build.h"
#include "store/db.h"
#include "store/owner.h"

#define MINUTE 60
#define DAY (24 * 60 * MINUTE)
#define LIMIT (6 * 60 * MINUTE) /* of a build without news */
#define OVERLAP (10 * MINUTE) /* of two rounds, for clocks differ */
#define LONGEST (30 * DAY) /* look back no longer */
#define SETTLED (2 * MINUTE) /* a build so old is in some list */
#define GETS 10 /* a round, where there are lists */
#define GETS_ALONE 100 /* where there are none */

/* A run that has not ended, or of which only the CI can tell. */
struct run {
	int64_t row, begun_at, sign, missing_at;
	jv what; /* the row as build_row() has it */
	char *id; /* of the build */
	char *status; /* what is published of it, or NULL */
	bool held, judged;
	bool asked; /* in this round */
};

struct tool {
	struct db *db;
	struct builds builds;
	struct query *providers, *verdicts, *places, *since, *polled, *open,
	    *strays, *asked, *missing, *found;
	struct owner owner;
	struct provider *provider;
	struct call *call;
	const char *name; /* of the provider */
	char *seal_key; /* NULL: the plain triple is enough */
	jv seen; /* by build id: the status that the CI gave this round */
	int64_t limit;
	int status;
};

static void
usage(void)
{
	fprintf(stderr, "usage: tack-poll [-d database] [-p provider]\n");
	exit(EX_USAGE);
}

static void
worse(struct tool *t, int status)
{
	if (status > t->status)
		t->status = status;
}

/* Our own word on a run. */
static void
print_word(const jv *row, const char *status, const char *error)
{
	print_line(stdout,
	    json_set_str(attempt_record(row, status, error), "event", "poll"));
}

/* Did a question go well?  If not, say why, and let it count. */
static bool
went_well(struct tool *t, const jv *said, const char *verb)
{
	const char *why;
	enum answer_how how = answer_how(said, &why);
	bool later = how == ANSWER_WAIT || how == ANSWER_UNSURE;
	char *safe;

	if (how == ANSWER_GOOD)
		return true;
	if (stravis(&safe, why, VIS_CSTYLE | VIS_TAB | VIS_NL | VIS_NOSLASH) ==
	    -1)
		mem_refused();
	warnx("%s: %s: %s%s", t->name, verb, safe, later ? " (put off)" : "");
	free(safe);
	worse(t, later ? EX_TEMPFAIL : 1);
	return false;
}

/*
 * Is a build ours, or will it be?  Nobody wants to hear of the others each
 * round.
 */
static bool
is_ours(struct tool *t, const jv *read, const jv *build, const jv *ref)
{
	struct owner_claim claim = { t->name, json_str(build, "id"),
		json_str(build, "parent"), ref, OWNER_ANY, 0 };
	struct owner_row row;
	enum owner_how how;
	jv found;

	if (owner_stored(&t->owner, t->name, claim.id, &row)) {
		owner_row_free(&row);
		return true;
	}
	if (t->seal_key != NULL)
		claim.attempt = seal_attempt(
		    t->seal_key, t->name, t->provider, read, &claim.sealed_at);
	how = owner_find(&t->owner, &claim, &found);
	jv_free(found);
	return how == OWNER_OURS;
}

struct payloads {
	struct tool *tool;
	int64_t asked_at;
};

/* Pass on what the CI says of a build, if it is news to this round. */
static void
take(jv payload, void *arg)
{
	struct payloads *p = arg;
	struct tool *t = p->tool;
	char *text = print_text(jv_copy(payload));
	jv read = provider_read(t->provider, text, strlen(text)), rec;
	jv build = json_get(&read, "build"), claim = json_get(&read, "ref");
	const char *id = json_str(&build, "id");
	const char *status = json_str(&build, "status"), *before;

	free(text);
	if (status == NULL)
		status = "";
	before = id != NULL ? json_str(&t->seen, id) : NULL;
	if (id == NULL || (before != NULL && strcmp(before, status) == 0) ||
	    !is_ours(t, &read, &build, &claim)) {
		jv_free(payload);
		goto out;
	}
	t->seen = json_set_str(t->seen, id, status);
	rec = json_set_str(jv_object(), "provider", t->name);
	rec = json_set_str(rec, "event", "poll");
	rec = json_set(rec, "asked_at", jv_number((double)p->asked_at));
	print_line(stdout, json_set(rec, "payload", payload));
out:
	jv_free(read);
	jv_free(build);
	jv_free(claim);
}

/*
 * Ask, and pass on the builds of the answer.  Returns what else there is of
 * it.
 */
static jv
ask(struct tool *t, const char *verb, jv input, enum budget_urgency urgency)
{
	struct payloads p = { t, clock_now() };
	jv said, builds;

	/* What is known goes down the pipe before the network is waited for. */
	fflush(stdout);
	said = call_ask(t->call, verb, input, urgency);
	builds = json_get(&said, "builds");
	json_each(&builds, take, &p);
	jv_free(builds);
	return said;
}

static jv
input(const struct run *run)
{
	jv in = json_set(jv_object(), "build", json_get(&run->what, "build"));

	return json_set(in, "ref", json_get(&run->what, "ref"));
}

/*
 * Ask for all builds of an account that are open, or have ended since the last
 * round.  Returns whether there are such lists; *reached, whether they came.
 */
static bool
list(struct tool *t, const char *account, jv builds, bool *reached)
{
	int64_t now = time(NULL), since = now;
	jv in, said, there;
	char text[32];
	bool lists;

	db_bind(t->since, ":account", account);
	if (db_step(t->since)) {
		since = db_int(t->since, 0);
		db_reset(t->since);
	}
	if (since > now)
		since = now;
	if (since < now - LONGEST)
		since = now - LONGEST;
	stamp_write(text, (since - OVERLAP) * 1000);

	in = json_set(jv_object(), "builds", builds);
	said = ask(t, "list", json_set_str(in, "since", text), BUDGET_STATE);
	there = json_get(&said, "builds");
	lists = jv_is_valid(there);
	jv_free(there);
	*reached = went_well(t, &said, "list");
	jv_free(said);
	if (lists && *reached) {
		db_bind(t->polled, ":account", account);
		db_bind_int(t->polled, ":at", now);
		db_try(t->db, t->polled);
	}
	return lists || !*reached;
}

/* Write one statement about a run. */
static void
note(struct tool *t, struct query *q, const struct run *run)
{
	db_bind_int(q, ":row", run->row);
	db_begin(t->db);
	db_step(q);
	db_commit(t->db);
}

static void
judge(struct tool *t, struct run *run, const char *verdict, const char *reason)
{
	build_verdict(&t->builds, run->row, verdict, reason);
	print_word(&run->what, verdict, reason);
	run->judged = true;
}

static bool
has_ended(const char *status)
{
	return status != NULL && *status != '\0' &&
	    strcmp(status, "pending") != 0 && strcmp(status, "running") != 0;
}

/* The CI does not know a build.  For a day it may have its reasons. */
static void
forgotten(struct tool *t, struct run *run)
{
	int64_t now = time(NULL);

	if (run->missing_at == 0) {
		db_bind_int(t->missing, ":at", now);
		note(t, t->missing, run);
	} else if (now - run->missing_at < DAY)
		return;
	else if (has_ended(run->status))
		/* So it stays, and nobody is asked again. */
		print_word(&run->what, run->status, NULL);
	else
		judge(t, run, "failed", "the CI has forgotten the build");
}

/* Ask for one build; false if the account's part of the round is over. */
static bool
get(struct tool *t, struct run *run)
{
	jv said;
	bool good = true;

	db_bind_int(t->asked, ":at", time(NULL));
	note(t, t->asked, run);
	said = ask(t, "get", input(run), BUDGET_STATE);
	if (answer_how(&said, NULL) == ANSWER_GONE)
		forgotten(t, run);
	else if (!went_well(t, &said, "get"))
		good = false;
	else if (run->missing_at != 0)
		note(t, t->found, run);
	jv_free(said);
	return good;
}

/* Give up a build of which there was no news for too long. */
static void
give_up(struct tool *t, struct run *run, bool reached)
{
	char why[80];
	jv said;

	snprintf(why, sizeof(why), "no end after %" PRId64 " minutes",
	    t->limit / MINUTE);
	judge(t, run, "timeout", why);
	if (!reached)
		return;
	said = ask(t, "cancel", input(run), BUDGET_URGENT);
	went_well(t, &said, "cancel");
	jv_free(said);
}

static struct run
run_of(struct tool *t)
{
	struct query *q = t->open;
	struct run run = { .row = db_int(q, 0),
		.begun_at = db_int(q, 1),
		.sign = db_int(q, 2),
		.missing_at = db_int(q, 3),
		.held = db_int(q, 4) != 0 };

	run.id = xstrdup(db_text(q, 5));
	if (db_text(q, 6) != NULL)
		run.status = xstrdup(db_text(q, 6));
	run.what = build_row(&t->builds, run.row);
	return run;
}

static void
run_free(struct run *run)
{
	jv_free(run->what);
	free(run->id);
	free(run->status);
}

/* The open runs of an account, the longest not asked for first. */
static size_t
open_runs(struct tool *t, const char *org, struct run **runs)
{
	size_t count = 0, room = 0;

	*runs = NULL;
	db_bind(t->open, ":provider", t->name);
	db_bind(t->open, ":org", org);
	while (db_step(t->open)) {
		if (count == room) {
			room = room == 0 ? 64 : room * 2;
			*runs = xreallocarray(*runs, room, sizeof(**runs));
		}
		(*runs)[count++] = run_of(t);
	}
	return count;
}

/*
 * Builds that turned up after their runs were cancelled as never begun: they
 * are to end, too.  What is being cancelled is not asked again at once.
 */
static void
stop_strays(struct tool *t, const char *org)
{
	int64_t rows[GETS], now = time(NULL);
	size_t count = 0;

	db_bind(t->strays, ":provider", t->name);
	db_bind(t->strays, ":org", org);
	db_bind_int(t->strays, ":now", now);
	while (db_step(t->strays)) {
		const char *status = json_str(&t->seen, db_text(t->strays, 1));

		if (status != NULL && !has_ended(status) && count < GETS)
			rows[count++] = db_int(t->strays, 0);
	}
	for (size_t i = 0; i < count; i++) {
		struct run run = { .row = rows[i],
			.what = build_row(&t->builds, rows[i]) };
		jv said;

		db_bind_int(t->asked, ":at", now + OVERLAP);
		note(t, t->asked, &run);
		said = ask(t, "cancel", input(&run), BUDGET_URGENT);
		went_well(t, &said, "cancel");
		jv_free(said);
		jv_free(run.what);
	}
}

/* One account's part of the round. */
static void
poll_account(struct tool *t, const char *org, jv builds)
{
	int64_t now;
	struct run *runs;
	size_t count, gets = 0, most;
	bool lists, reached;
	char *account;

	account = xasprintf("%s/%s", t->name, org);
	lists = list(t, account, builds, &reached);
	free(account);
	most = lists ? GETS : GETS_ALONE;
	count = open_runs(t, org, &runs);
	now = time(NULL);
	for (size_t i = 0; i < count && reached && gets < most; i++) {
		if (json_str(&t->seen, runs[i].id) != NULL ||
		    (lists && now - runs[i].begun_at < SETTLED))
			continue;
		reached = runs[i].asked = get(t, &runs[i]);
		gets++;
	}
	for (size_t i = 0; i < count; i++) {
		struct run *run = &runs[i];

		/* Who has not had its turn may have ended long ago. */
		if (reached && !run->asked &&
		    json_str(&t->seen, run->id) == NULL) {
			run_free(run);
			continue;
		}
		if (t->limit > 0 && now - run->sign > t->limit && !run->held &&
		    !run->judged && !has_ended(run->status) &&
		    !has_ended(json_str(&t->seen, run->id)))
			give_up(t, run, reached);
		run_free(run);
	}
	free(runs);
	if (reached)
		stop_strays(t, org);
}

/* Where the provider's builds are, by account. */
static jv
accounts(struct tool *t)
{
	jv all = jv_object(), row;

	db_bind(t->places, ":provider", t->name);
	while (db_step(t->places)) {
		const char *org = db_text(t->places, 0);
		jv builds = json_get(&all, org);

		if (!jv_is_valid(builds)) {
			jv_free(builds);
			builds = jv_array();
		}
		row = build_row(&t->builds, db_int(t->places, 1));
		all = json_set(
		    all, org, jv_array_append(builds, json_get(&row, "build")));
		jv_free(row);
	}
	return all;
}

/* Say the verdicts that did not get through. */
static void
print_verdicts(struct tool *t)
{
	db_bind(t->verdicts, ":provider", t->name);
	while (db_step(t->verdicts)) {
		jv row = build_row(&t->builds, db_int(t->verdicts, 0));

		print_word(
		    &row, json_str(&row, "verdict"), json_str(&row, "reason"));
		jv_free(row);
	}
}

/* Ask the accounts of a provider, which is loaded if there are any. */
static void
poll_accounts(struct tool *t, jv all)
{
	char *org = json_first(&all);

	if (org == NULL) {
		jv_free(all);
		return;
	}
	if ((t->provider = provider_load(t->name)) == NULL) {
		warnx("%s: no such provider", t->name);
		worse(t, EX_CONFIG);
		jv_free(all);
		free(org);
		return;
	}
	t->call = call_open(t->name, t->provider, t->db);
	t->seen = jv_object();
	for (; org != NULL; org = json_first(&all)) {
		if (t->call != NULL)
			poll_account(t, org, json_get(&all, org));
		all = json_drop(all, org);
		free(org);
	}
	jv_free(all);
	jv_free(t->seen);
	call_close(t->call);
	provider_free(t->provider);
}

static void
poll_provider(jv name, void *arg)
{
	struct tool *t = arg;
	char *text = json_word(&name);

	jv_free(name);
	t->name = text;
	print_verdicts(t);
	poll_accounts(t, accounts(t));
	free(text);
}

static void
prepare(struct tool *t)
{
	build_prepare(&t->builds, t->db);
	owner_prepare(&t->owner, t->db);
	t->providers = db_query(t->db, "list providers",
	    "SELECT DISTINCT provider FROM build ORDER BY provider");
	t->verdicts = db_query(t->db, "list unsaid verdicts",
	    "SELECT id FROM run AS r"
	    " LEFT JOIN status AS s USING (knot, pipeline_rkey, workflow)"
	    " WHERE provider = :provider AND verdict IS NOT NULL"
	    " AND (s.status IS NULL OR s.attempt < r.attempt"
	    " OR s.status IN ('pending', 'running'))");
	t->places = db_query(t->db, "list accounts",
	    "SELECT coalesce(org, ''), id FROM build"
	    " LEFT JOIN status AS s USING (knot, pipeline_rkey, workflow)"
	    " WHERE provider = :provider"
	    " AND (build_id IS NOT NULL OR sent_at IS NOT NULL)"
	    " AND (s.status IS NULL OR s.status IN ('pending', 'running')"
	    " OR s.ask OR s.created_at > (unixepoch() - 7 * 86400) * 1000)"
	    " GROUP BY org, pipeline ORDER BY org, pipeline");
	t->since = db_query(t->db, "look up the last round",
	    "SELECT at FROM poll WHERE account = :account");
	t->polled = db_query(t->db, "note a round",
	    "INSERT INTO poll VALUES (:account, :at)"
	    " ON CONFLICT DO UPDATE SET at = excluded.at");
	t->open = db_query(t->db, "list open runs",
	    "SELECT id, begun_at,"
	    " max(begun_at, iif(s.attempt = r.attempt, s.created_at / 1000, 0)),"
	    " missing_at, s.held, build_id,"
	    " iif(s.attempt = r.attempt, s.status, NULL)"
	    " FROM run AS r"
	    " LEFT JOIN status AS s USING (knot, pipeline_rkey, workflow)"
	    " WHERE provider = :provider AND coalesce(org, '') = :org"
	    " AND build_id IS NOT NULL"
	    " AND (s.status IS NULL OR s.attempt < r.attempt"
	    " OR s.status IN ('pending', 'running') OR s.ask)"
	    " AND (verdict IS NULL OR s.ask)"
	    " ORDER BY not_before, id");
	t->strays = db_query(t->db, "list builds of cancelled runs",
	    "SELECT id, build_id FROM build"
	    " WHERE provider = :provider AND coalesce(org, '') = :org"
	    " AND build_id IS NOT NULL AND verdict = 'cancelled'"
	    " AND not_before <= :now");
	t->asked = db_query(t->db, "note that a build was asked for",
	    "UPDATE build SET not_before = :at WHERE id = :row");
	t->missing = db_query(t->db, "note that a build is missing",
	    "UPDATE build SET missing_at = :at WHERE id = :row");
	t->found = db_query(t->db, "note that a build is there again",
	    "UPDATE build SET missing_at = NULL,"
	    " reason = iif(verdict = 'failed', NULL, reason),"
	    " verdict = nullif(verdict, 'failed')"
	    " WHERE id = :row");
}

int
main(int argc, char *argv[])
{
	const char *path = NULL, *only = NULL;
	struct tool t = { .status = 0 };
	jv names = jv_array();
	int ch;

	while ((ch = getopt(argc, argv, "d:p:")) != -1)
		switch (ch) {
		case 'd':
			path = optarg;
			break;
		case 'p':
			only = optarg;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	path = db_path(path);

	t.limit = setting_int("TACK_BUILD_LIMIT", LIMIT, 0, INT32_MAX);
	t.seal_key = seal_required();
	t.db = db_open(path, DB_WRITE);
	prepare(&t);
	/* Another round is at work: it does for this one too. */
	if (build_claim(path, 0) == -1)
		return 0;
	while (db_step(t.providers))
		if (only == NULL || strcmp(only, db_text(t.providers, 0)) == 0)
			names = jv_array_append(
			    names, jv_string(db_text(t.providers, 0)));
	json_each(&names, poll_provider, &t);
	jv_free(names);
	db_close(t.db);
	free(t.seal_key);
	if (ferror(stdout) || fclose(stdout) == EOF)
		err(EX_IOERR, "stdout");
	return t.status;
}
