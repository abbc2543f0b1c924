/* SPDX-License-Identifier: ISC */
/* Starting a build that is intended, exactly once, and stopping one. */
#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/setting.h"
#include "ci/answer.h"
#include "ci/call.h"
#include "ci/provider.h"
#include "ci/seal.h"
#include "data/json.h"
#include "data/print.h"
#include "data/record.h"
#include "data/stamp.h"
#include "flow/attempt.h"
#include "store/owner.h"
#include "store/ref.h"

#define OVERLAP 600 /* seconds that the CI's clock may be behind ours */
#define FIRST_WAIT 5 /* seconds, doubled each time */
#define LONGEST_WAIT 600
#define GIVE_UP 3600
#define SUPERSEDED 8 /* builds that one stops */

/* A row and whom to ask about it. */
struct attempt {
	struct builds *builds;
	jv row;
	int64_t id;
	int claim; /* descriptor, -1 if another process has it */
	bool known; /* the CI has such a build */
	struct provider *provider;
	struct call *call;
	char *key; /* NULL: no seals */
};

jv
attempt_record(const jv *row, const char *status, const char *error)
{
	jv rec = jv_object(), build = json_get(row, "build");
	const char *provider = json_str(row, "provider");

	if (!jv_is_valid(build)) {
		jv_free(build);
		build = jv_object();
	}
	build = json_set_str(build, "status", status);
	if (error != NULL)
		build = json_set_str(build, "error", error);
	if (provider != NULL)
		rec = json_set_str(rec, "provider", provider);
	rec = json_set_str(rec, "event", "spawn");
	rec = json_set(rec, "ref", json_get(row, "ref"));
	return json_set(rec, "build", build);
}

static jv
deferred(const jv *row, const char *reason)
{
	jv rec = attempt_record(row, "pending", NULL);

	return record_settle(rec, RECORD_DEFERRED, reason);
}

/* It will not start, for good. */
static jv
verdict(struct attempt *a, const char *word, const char *reason)
{
	build_verdict(a->builds, a->id, word, reason);
	return attempt_record(&a->row, word, reason);
}

int64_t
attempt_limit(void)
{
	return setting_int("TACK_SPAWN_LIMIT", GIVE_UP, 1, INT32_MAX);
}

/* It did not start, for now. */
static jv
put_off(struct attempt *a, double seconds, bool undone, const char *reason)
{
	int64_t limit = attempt_limit(), now = time(NULL);
	char *why;
	jv rec;

	if (now - json_int(&a->row, "created_at", 0) > limit) {
		why = xasprintf("gave up after %lld minutes%s: %s",
		    (long long)limit / 60,
		    undone ? "" : ", and it may have been started", reason);
		rec = verdict(a, "failed", why);
		free(why);
		return rec;
	}
	build_put_off(
	    a->builds, a->id, now + (int64_t)(seconds + 1), undone, reason);
	return deferred(&a->row, reason);
}

static double
back_off(const struct attempt *a)
{
	double wait = FIRST_WAIT;

	for (int64_t n = json_int(&a->row, "tries", 0); n > 0; n--)
		if ((wait *= 2) > LONGEST_WAIT)
			return LONGEST_WAIT;
	return wait;
}

/* The task with the seal of an attempt that is sent at a time. */
static jv
seal(const struct attempt *a, jv task, int64_t time)
{
	jv build = json_get(&a->row, "build"), ref = json_get(&a->row, "ref");
	char *origin = provider_origin(a->provider, &build);
	char *text = seal_make(
	    a->key, json_str(&a->row, "provider"), origin, &ref, time);
	jv env = json_get(&task, "env");

	if (jv_get_kind(env) == JV_KIND_OBJECT)
		env = json_set_str(env, "TACK_REF", text);
	task = json_set(task, "env", env);
	task = json_set_str(task, "seal", text);
	free(text);
	free(origin);
	jv_free(ref);
	jv_free(build);
	return task;
}

/*
 * What to ask with: task, ref and, for a rebuild, the build before.  The task
 * is sealed if it is sent, which is at a time; that is 0 if it is not.
 */
static jv
question(const struct attempt *a, int64_t time)
{
	jv in = jv_object(), ref = json_get(&a->row, "ref");
	jv task = json_get(&a->row, "task"), build = json_get(&a->row, "build");
	jv parent = json_get(&a->row, "parent");

	if (a->key != NULL && time != 0 && jv_is_valid(task))
		task = seal(a, task, time);
	if (jv_is_valid(task))
		in = json_set(in, "task", json_set(task, "ref", jv_copy(ref)));
	else
		jv_free(task);
	in = json_set(in, "ref", ref);
	if (jv_is_valid(parent)) {
		in = json_set(in, "build", jv_copy(parent));
		in = json_set(in, "parent", parent);
	} else {
		jv_free(parent);
		in = json_set(in, "build", jv_copy(build));
	}
	jv_free(build);
	return in;
}

struct search {
	const struct attempt *attempt;
	jv found; /* a build, invalid until then */
};

static jv
read_build(const struct attempt *a, const jv *payload)
{
	char *text = print_text(jv_copy(*payload));
	jv read = provider_read(a->provider, text, strlen(text));

	free(text);
	return read;
}

/* When the CI made a build; later than any where it does not say. */
static int64_t
made_at(const jv *build)
{
	const char *text = json_str(build, "created_at");
	int64_t at = text != NULL ? stamp_read(text) : -1;

	return at == -1 ? INT64_MAX : at;
}

/*
 * Is this build of the CI the one of the row?  Of several the first that was
 * made is: it alone can have given the seal away.
 */
static void
compare(jv payload, void *arg)
{
	struct search *s = arg;
	const struct attempt *a = s->attempt;
	jv read = read_build(a, &payload);
	jv build = json_get(&read, "build"), ref = json_get(&read, "ref");
	struct owner_claim claim = { json_str(&a->row, "provider"),
		json_str(&build, "id"), json_str(&build, "parent"), &ref,
		OWNER_ANY, 0 };

	if (a->key != NULL)
		claim.attempt = seal_attempt(a->key, claim.provider,
		    a->provider, &read, &claim.sealed_at);
	if (claim.id != NULL && owner_fits(&a->row, &claim) &&
	    (!jv_is_valid(s->found) || made_at(&build) <= made_at(&s->found))) {
		jv_free(s->found);
		s->found = jv_copy(build);
	}
	jv_free(ref);
	jv_free(build);
	jv_free(read);
	jv_free(payload);
}

/* The first build of a result, invalid if there is none. */
static jv
first_build(const struct attempt *a, const jv *said)
{
	jv list = json_get(said, "builds"), payload, read, build;

	if (jv_get_kind(list) != JV_KIND_ARRAY) {
		jv_free(list);
		return jv_invalid();
	}
	payload = json_head(list);
	if (!jv_is_valid(payload))
		return payload;
	read = read_build(a, &payload);
	jv_free(payload);
	build = json_get(&read, "build");
	jv_free(read);
	if (jv_is_valid(build) && json_str(&build, "id") == NULL) {
		jv_free(build);
		return jv_invalid();
	}
	return build;
}

/* It has become a build. */
static jv
done(struct attempt *a, jv build)
{
	const char *status = json_str(&build, "status");
	jv rec;

	build_done(a->builds, a->id, &build);
	rec =
	    attempt_record(&a->row, status != NULL ? status : "pending", NULL);
	if (status == NULL)
		build = json_set_str(build, "status", "pending");
	return json_set(rec, "build", build);
}

/* Not done, for what the answer says; invalid if it went well. */
static jv
refused(struct attempt *a, const jv *said)
{
	const char *why;

	switch (answer_how(said, &why)) {
	case ANSWER_GOOD:
		break;
	case ANSWER_ERROR:
	case ANSWER_GONE:
		return verdict(a, "failed", why);
	case ANSWER_WAIT:
		return put_off(a, answer_wait(said), true, why);
	case ANSWER_UNSURE:
		return put_off(a, back_off(a), false, why);
	}
	return jv_invalid();
}

/*
 * Was it started before, and nobody heard?  A record, or invalid if not.  What
 * is not known to be absent is not made again.
 */
static jv
find(struct attempt *a)
{
	struct search s = { a, jv_invalid() };
	time_t since = (time_t)json_int(&a->row, "sent_at", 0) - OVERLAP;
	jv in = question(a, 0), said, list;
	const char *why;
	char text[32];
	struct tm tm;

	gmtime_r(&since, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	said = call_ask(
	    a->call, "find", json_set_str(in, "since", text), BUDGET_URGENT);
	list = json_get(&said, "builds");
	if (jv_get_kind(list) == JV_KIND_ARRAY)
		json_each(&list, compare, &s);
	jv_free(list);
	if (jv_is_valid(s.found))
		s.found = done(a, s.found);
	else if (answer_how(&said, &why) != ANSWER_GOOD) {
		jv_free(s.found);
		s.found = put_off(
		    a, fmax(back_off(a), answer_wait(&said)), false, why);
	}
	jv_free(said);
	return s.found;
}

static jv
create(struct attempt *a)
{
	jv parent = json_get(&a->row, "parent"), said, rec;
	const char *verb = jv_is_valid(parent) ? "rebuild" : "create";
	int64_t now = time(NULL);

	jv_free(parent);
	build_sent(a->builds, a->id, now);
	said = call_ask(a->call, verb, question(a, now), BUDGET_URGENT);
	rec = refused(a, &said);
	if (!jv_is_valid(rec)) {
		jv build = first_build(a, &said);

		jv_free(rec);
		if (jv_is_valid(build))
			rec = done(a, build);
		else
			rec = put_off(a, back_off(a), false,
			    "the CI's answer tells of no build");
	}
	jv_free(said);
	return rec;
}

/* The row, and what is known of it without asking anybody. */
static jv
open_attempt(
    struct attempt *a, struct builds *b, const char *database, int64_t id)
{
	const char *word, *name;
	jv rec = jv_invalid(), build;

	memset(a, 0, sizeof(*a));
	a->builds = b;
	a->id = id;
	a->claim = build_claim(database, id);
	a->row = build_row(b, id);
	if (!jv_is_valid(a->row))
		errx(EX_DATAERR, "no such row");
	build = json_get(&a->row, "build");
	a->known = json_str(&build, "id") != NULL;
	jv_free(build);
	/* What never became a build cannot be rebuilt, but made. */
	build = json_get(&a->row, "parent");
	if (json_str(&build, "id") == NULL)
		a->row = json_drop(a->row, "parent");
	jv_free(build);
	word = json_str(&a->row, "verdict");
	name = json_str(&a->row, "provider");
	if (a->claim == -1)
		rec = deferred(&a->row, "another process is at it");
	else if (!a->known && word != NULL)
		rec =
		    attempt_record(&a->row, word, json_str(&a->row, "reason"));
	else if ((a->provider = provider_load(name)) == NULL ||
	    (a->call = call_open(name, a->provider, b->db)) == NULL)
		rec = a->known ? deferred(&a->row, "no such provider here") :
				 verdict(a, "failed", "no such provider here");
	else
		a->key = secret_read("SEAL_KEY");
	return rec;
}

static void
close_attempt(struct attempt *a)
{
	call_close(a->call);
	if (a->provider != NULL)
		provider_free(a->provider);
	free(a->key);
	jv_free(a->row);
	if (a->claim != -1)
		close(a->claim);
}

static void
supersede(struct attempt *a, const char *database)
{
	jv task = json_get(&a->row, "task");
	bool wanted = json_true(&task, "supersede");
	int64_t older, last = 0;

	for (int i = 0; wanted && i < SUPERSEDED &&
	     (older = build_older(a->builds, a->id)) != 0 && older != last;
	     i++) {
		jv rec = attempt_stop(a->builds, database, older);

		if (json_str(&rec, "reason") != NULL)
			warnx("what is superseded is not cancelled: %s",
			    json_str(&rec, "reason"));
		jv_free(rec);
		last = older;
	}
	jv_free(task);
}

jv
attempt_start(struct builds *b, const char *database, int64_t id)
{
	struct attempt a;
	jv rec = open_attempt(&a, b, database, id);
	const char *reason = json_str(&a.row, "reason");

	if (jv_is_valid(rec)) {
		close_attempt(&a);
		return rec;
	}
	jv_free(rec);
	if (a.known)
		rec = attempt_record(&a.row, "pending", NULL);
	else if (json_int(&a.row, "not_before", 0) > time(NULL))
		rec = deferred(&a.row, reason != NULL ? reason : "put off");
	else {
		supersede(&a, database);
		rec = json_int(&a.row, "sent_at", 0) != 0 ? find(&a) :
							    jv_invalid();
		if (!jv_is_valid(rec)) {
			jv_free(rec);
			rec = create(&a);
		}
	}
	close_attempt(&a);
	return rec;
}

/* What the CI says of a build when asked, as a record. */
static jv
ask(struct attempt *a, const char *verb)
{
	jv in = jv_object(), at = jv_number((double)clock_now()), said, build;
	jv rec = attempt_record(&a->row, "pending", NULL);
	enum answer_how how;
	const char *why;

	in = json_set(in, "build", json_get(&a->row, "build"));
	in = json_set(in, "ref", json_get(&a->row, "ref"));
	said = call_ask(a->call, verb, in, BUDGET_URGENT);
	build = first_build(a, &said);
	if (jv_is_valid(build)) {
		rec = json_set(rec, "build", build);
		rec = json_set_str(rec, "event", "poll");
		rec = json_set(rec, "asked_at", at);
	} else {
		jv_free(build);
		jv_free(at);
		how = answer_how(&said, &why);
		rec = json_drop(rec, "build");
		rec = record_settle(rec,
		    how == ANSWER_ERROR || how == ANSWER_GONE ? RECORD_FAILED :
								RECORD_DEFERRED,
		    why != NULL ? why : "the CI does not say");
	}
	jv_free(said);
	return rec;
}

/* Refused as it has ended? Then that is the answer. */
static jv
cancel(struct attempt *a)
{
	jv rec = ask(a, "cancel"), now;

	if (json_str(&rec, "reason") == NULL)
		return rec;
	now = ask(a, "get");
	if (json_str(&now, "reason") != NULL) {
		jv_free(now);
		return rec;
	}
	jv_free(rec);
	return now;
}

jv
attempt_stop(struct builds *b, const char *database, int64_t id)
{
	struct attempt a;
	jv rec = open_attempt(&a, b, database, id), build;

	if (jv_is_valid(rec)) {
		close_attempt(&a);
		return rec;
	}
	jv_free(rec);
	rec = jv_invalid();
	if (!a.known && json_int(&a.row, "sent_at", 0) != 0) {
		rec = find(&a); /* it may run: then stop it */
		jv_free(a.row);
		a.row = build_row(b, id);
		build = json_get(&a.row, "build");
		a.known = json_str(&build, "id") != NULL;
		jv_free(build);
	}
	if (a.known || !jv_is_valid(rec)) {
		jv_free(rec);
		rec = a.known ? cancel(&a) :
				verdict(&a, "cancelled", "before it started");
	}
	close_attempt(&a);
	return rec;
}

jv
attempt_retry(struct builds *b, const char *database, int64_t id)
{
	struct attempt a;
	jv rec = open_attempt(&a, b, database, id);

	if (!jv_is_valid(rec)) {
		jv_free(rec);
		if (a.known) {
			/* A verdict was of what is now done again. */
			if (json_str(&a.row, "verdict") != NULL)
				build_verdict(b, id, NULL, NULL);
			rec = ask(&a, "retry");
		} else
			rec = deferred(&a.row, "it has not started yet");
	}
	close_attempt(&a);
	return rec;
}
