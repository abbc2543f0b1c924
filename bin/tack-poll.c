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
#include "flow/status.h"
#include "store/build.h"
#include "store/db.h"
#include "store/owner.h"
#include "store/round.h"

#define MINUTE 60
#define DAY (24 * 60 * MINUTE)
#define LIMIT (6 * 60 * MINUTE) /* of a build without news */
#define OVERLAP (10 * MINUTE) /* of two rounds, for clocks differ */
#define LONGEST (30 * DAY) /* look back no longer */
#define SETTLED (2 * MINUTE) /* a build so old is in some list */
#define GETS 10 /* in a round, where there are lists */
#define GETS_ALONE 100 /* where there are none */

struct tool {
	struct db *db;
	struct builds builds;
	struct round round;
	struct owner owner;
	struct provider *provider;
	struct call *call;
	const char *only; /* the provider to ask, NULL for all */
	const char *name; /* of the provider that is asked now */
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

/* Our own word on the build of a row. */
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

/* Ask about the build of a row. */
static jv
ask_row(struct tool *t, const char *verb, const jv *row,
    enum budget_urgency urgency)
{
	jv in = json_set(jv_object(), "build", json_get(row, "build"));

	return ask(t, verb, json_set(in, "ref", json_get(row, "ref")), urgency);
}

/*
 * Ask for all builds of an account that are open, or have ended since the last
 * round.  Returns whether there are such lists; *reached, whether they came.
 */
static bool
list(struct tool *t, const char *account, jv builds, bool *reached)
{
	int64_t now = time(NULL), since = round_last(&t->round, account);
	jv in, said, there;
	char text[32];
	bool lists;

	if (since == -1 || since > now)
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
	if (lists && *reached)
		round_done(&t->round, account, now);
	return lists || !*reached;
}

static void
judge(struct tool *t, struct round_build *b, const char *verdict,
    const char *reason)
{
	build_verdict(&t->builds, b->id, verdict, reason);
	print_word(&b->row, verdict, reason);
	free(b->status);
	b->status = xstrdup(verdict);
}

/* The CI does not know a build.  Wait a day before judging it failed. */
static void
forgotten(struct tool *t, struct round_build *b)
{
	int64_t now = time(NULL);

	if (b->missing_at == 0)
		round_missing(&t->round, b->id, now);
	else if (now - b->missing_at < DAY)
		return;
	else if (status_over(b->status))
		/* So it stays, and nobody is asked again. */
		print_word(&b->row, b->status, NULL);
	else
		judge(t, b, "failed", "the CI has forgotten the build");
}

/* Ask for one build; false if the account's part of the round is over. */
static bool
get(struct tool *t, struct round_build *b)
{
	jv said;
	bool good = true;

	round_asked(&t->round, b->id, time(NULL));
	said = ask_row(t, "get", &b->row, BUDGET_STATE);
	if (answer_how(&said, NULL) == ANSWER_GONE)
		forgotten(t, b);
	else if (!went_well(t, &said, "get"))
		good = false;
	else if (b->missing_at != 0)
		round_found(&t->round, b->id);
	jv_free(said);
	return good;
}

static void
cancel(struct tool *t, const jv *row)
{
	jv said = ask_row(t, "cancel", row, BUDGET_URGENT);

	went_well(t, &said, "cancel");
	jv_free(said);
}

/* Was there no news of a build for too long? */
static bool
is_late(const struct tool *t, const struct round_build *b, int64_t now)
{
	return t->limit > 0 && now - b->heard_at > t->limit && !b->held &&
	    !status_over(b->status) &&
	    !status_over(json_str(&t->seen, b->build_id));
}

static void
give_up(struct tool *t, struct round_build *b, bool reached)
{
	char why[80];

	snprintf(why, sizeof(why), "no end after %" PRId64 " minutes",
	    t->limit / MINUTE);
	judge(t, b, "timeout", why);
	if (reached)
		cancel(t, &b->row);
}

struct strays {
	struct tool *tool;
	int64_t now, rows[GETS];
	size_t count;
};

static void
add_stray(jv build_id, void *arg)
{
	struct strays *s = arg;
	struct tool *t = s->tool;
	char *text = json_word(&build_id);
	int64_t row;

	if (s->count < GETS && !status_over(json_str(&t->seen, text)) &&
	    (row = round_stray(&t->round, t->name, text, s->now)) != 0)
		s->rows[s->count++] = row;
	free(text);
	jv_free(build_id);
}

/*
 * Builds that turned up after their runs were cancelled as never begun: they
 * are to end, too.  What is being cancelled is not asked again at once.
 */
static void
stop_strays(struct tool *t)
{
	struct strays s = { .tool = t, .now = time(NULL) };
	jv ids = jv_keys(jv_copy(t->seen));

	json_each(&ids, add_stray, &s);
	jv_free(ids);
	for (size_t i = 0; i < s.count; i++) {
		jv row = build_row(&t->builds, s.rows[i]);

		round_asked(&t->round, s.rows[i], s.now + OVERLAP);
		cancel(t, &row);
		jv_free(row);
	}
}

/* One account's part of the round. */
static void
poll_account(struct tool *t, const char *org, jv places)
{
	struct round_build *builds;
	size_t count, gets = 0, most;
	bool lists, reached;
	char *account;
	int64_t now;

	account = xasprintf("%s/%s", t->name, org);
	lists = list(t, account, places, &reached);
	free(account);
	most = lists ? GETS : GETS_ALONE;
	count = round_open(&t->round, t->name, org, &builds);
	now = time(NULL);
	for (size_t i = 0; i < count && reached && gets < most; i++) {
		struct round_build *b = &builds[i];

		if (json_str(&t->seen, b->build_id) != NULL ||
		    (lists && now - b->begun_at < SETTLED))
			continue;
		reached = b->asked = get(t, b);
		gets++;
	}
	for (size_t i = 0; i < count; i++) {
		struct round_build *b = &builds[i];
		bool heard =
		    b->asked || json_str(&t->seen, b->build_id) != NULL;

		/* What has not had its turn may have ended long ago. */
		if ((heard || !reached) && is_late(t, b, now))
			give_up(t, b, reached);
		round_build_free(b);
	}
	free(builds);
	if (reached)
		stop_strays(t);
}

/* Say a verdict that did not get through. */
static void
print_verdict(jv row, void *arg)
{
	(void)arg;
	print_word(&row, json_str(&row, "verdict"), json_str(&row, "reason"));
	jv_free(row);
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
	jv rows;

	jv_free(name);
	if (t->only == NULL || strcmp(t->only, text) == 0) {
		t->name = text;
		rows = round_verdicts(&t->round, text);
		json_each(&rows, print_verdict, NULL);
		jv_free(rows);
		poll_accounts(t, round_accounts(&t->round, text));
	}
	free(text);
}

int
main(int argc, char *argv[])
{
	const char *path = NULL;
	struct tool t = { .status = 0 };
	jv names;
	int ch;

	while ((ch = getopt(argc, argv, "d:p:")) != -1)
		switch (ch) {
		case 'd':
			path = optarg;
			break;
		case 'p':
			t.only = optarg;
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
	build_prepare(&t.builds, t.db);
	round_prepare(&t.round, &t.builds);
	owner_prepare(&t.owner, t.db);
	/* Another round is at work: it does for this one too. */
	if (build_claim(path, 0) == -1)
		return 0;
	names = round_providers(&t.round);
	json_each(&names, poll_provider, &t);
	jv_free(names);
	db_close(t.db);
	free(t.seal_key);
	if (ferror(stdout) || fclose(stdout) == EOF)
		err(EX_IOERR, "stdout");
	return t.status;
}
