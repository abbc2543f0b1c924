/* SPDX-License-Identifier: ISC */
/* An attempt at a build: its row, and the CI that is asked about it. */
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

#define OVERLAP 600 /* seconds that the CI's clock may be behind ours */
#define FIRST_WAIT 5 /* seconds, doubled each time */
#define LONGEST_WAIT 600
#define GIVE_UP 3600

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

jv
attempt_defer(const jv *row, const char *reason)
{
	jv rec = attempt_record(row, "pending", NULL);

	return record_settle(rec, RECORD_DEFERRED, reason);
}

jv
attempt_verdict(struct attempt *a, const char *word, const char *reason)
{
	build_verdict(a->builds, a->id, word, reason);
	return attempt_record(&a->row, word, reason);
}

int64_t
attempt_limit(void)
{
	return setting_int("TACK_SPAWN_LIMIT", GIVE_UP, 1, INT32_MAX);
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

jv
attempt_put_off(
    struct attempt *a, double seconds, bool undone, const char *reason)
{
	int64_t limit = attempt_limit(), now = clock_now() / 1000;
	char *why;
	jv rec;

	if (!undone)
		seconds = fmax(seconds, back_off(a));
	seconds = fmin(seconds, BUILD_LONGEST_WAIT - 1);
	if (now - json_int(&a->row, "created_at", 0) > limit) {
		why = xasprintf("gave up after %lld minutes%s: %s",
		    (long long)limit / 60,
		    undone ? "" : ", and it may have been started", reason);
		rec = attempt_verdict(a, "failed", why);
		free(why);
		return rec;
	}
	build_put_off(
	    a->builds, a->id, now + (int64_t)(seconds + 1), undone, reason);
	return attempt_defer(&a->row, reason);
}

jv
attempt_question(const struct attempt *a)
{
	jv in = jv_object(), ref = json_get(&a->row, "ref");
	jv task = json_get(&a->row, "task"), build = json_get(&a->row, "build");
	jv parent = json_get(&a->row, "parent");

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

jv
attempt_build(const struct attempt *a, const jv *said)
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

jv
attempt_done(struct attempt *a, jv build)
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

jv
attempt_find(struct attempt *a)
{
	struct search s = { a, jv_invalid() };
	time_t since = (time_t)json_int(&a->row, "sent_at", 0) - OVERLAP;
	jv in = attempt_question(a), said, list;
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
		s.found = attempt_done(a, s.found);
	else if (answer_how(&said, &why) != ANSWER_GOOD) {
		jv_free(s.found);
		s.found = attempt_put_off(a, answer_wait(&said), false, why);
	}
	jv_free(said);
	return s.found;
}

/* Does the row have a time that a clock has not come to yet? */
static bool
is_of_the_future(const jv *row)
{
	int64_t now = clock_now() / 1000;

	return json_int(row, "created_at", 0) > now ||
	    json_int(row, "sent_at", 0) > now ||
	    json_int(row, "not_before", 0) > now + BUILD_LONGEST_WAIT;
}

jv
attempt_open(
    struct attempt *a, struct builds *b, const char *database, int64_t id)
{
	const char *word, *name;
	jv rec = jv_invalid(), build;

	memset(a, 0, sizeof(*a));
	a->builds = b;
	a->id = id;
	a->claim = build_claim(database, id);
	a->row = build_row(b, id);
	if (a->claim != -1 && is_of_the_future(&a->row)) {
		build_heal(b);
		jv_free(a->row);
		a->row = build_row(b, id);
	}
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
		rec = attempt_defer(&a->row, "another process is at it");
	else if (!a->known && word != NULL)
		rec =
		    attempt_record(&a->row, word, json_str(&a->row, "reason"));
	else if ((a->provider = provider_load(name)) == NULL ||
	    (a->call = call_open(name, a->provider, b->db)) == NULL)
		rec = a->known ?
		    attempt_defer(&a->row, "no such provider here") :
		    attempt_verdict(a, "failed", "no such provider here");
	else
		a->key = secret_one("SEAL_KEY");
	return rec;
}

void
attempt_close(struct attempt *a)
{
	call_close(a->call);
	if (a->provider != NULL)
		provider_free(a->provider);
	free(a->key);
	jv_free(a->row);
	if (a->claim != -1)
		close(a->claim);
}
