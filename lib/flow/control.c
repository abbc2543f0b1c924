/* SPDX-License-Identifier: ISC */
/* Starting, stopping and doing again what is built. */
#include <err.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "ci/answer.h"
#include "ci/call.h"
#include "ci/provider.h"
#include "ci/seal.h"
#include "data/json.h"
#include "data/record.h"
#include "flow/attempt.h"
#include "flow/control.h"

#define SUPERSEDED 8 /* builds that one stops */

/* The task with the seal of the attempt, which is sent at a time. */
static jv
sealed(const struct attempt *a, jv task, int64_t time)
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
		return attempt_verdict(a, "failed", why);
	case ANSWER_WAIT:
		return attempt_put_off(a, answer_wait(said), true, why);
	case ANSWER_UNSURE:
		return attempt_put_off(a, 0, false, why);
	}
	return jv_invalid();
}

static jv
create(struct attempt *a)
{
	jv in = attempt_question(a), task = json_get(&in, "task"), said, rec;
	jv parent = json_get(&in, "parent");
	const char *verb = jv_is_valid(parent) ? "rebuild" : "create";
	int64_t now = time(NULL);

	jv_free(parent);
	if (a->key != NULL && jv_is_valid(task))
		in = json_set(in, "task", sealed(a, task, now));
	else
		jv_free(task);
	build_sent(a->builds, a->id, now);
	said = call_ask(a->call, verb, in, BUDGET_URGENT);
	rec = refused(a, &said);
	if (!jv_is_valid(rec)) {
		jv build = attempt_build(a, &said);

		jv_free(rec);
		if (jv_is_valid(build))
			rec = attempt_done(a, build);
		else
			rec = attempt_put_off(
			    a, 0, false, "the CI's answer tells of no build");
	}
	jv_free(said);
	return rec;
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
		jv rec = control_stop(a->builds, database, older);

		if (json_str(&rec, "reason") != NULL)
			warnx("a superseded build is not cancelled: %s",
			    json_str(&rec, "reason"));
		jv_free(rec);
		last = older;
	}
	jv_free(task);
}

jv
control_start(struct builds *b, const char *database, int64_t id)
{
	struct attempt a;
	jv rec = attempt_open(&a, b, database, id);
	const char *reason = json_str(&a.row, "reason");

	if (jv_is_valid(rec)) {
		attempt_close(&a);
		return rec;
	}
	jv_free(rec);
	if (a.known)
		rec = attempt_record(&a.row, "pending", NULL);
	else if (json_int(&a.row, "not_before", 0) > time(NULL))
		rec =
		    attempt_defer(&a.row, reason != NULL ? reason : "put off");
	else {
		supersede(&a, database);
		rec = json_int(&a.row, "sent_at", 0) != 0 ? attempt_find(&a) :
							    jv_invalid();
		if (!jv_is_valid(rec)) {
			jv_free(rec);
			rec = create(&a);
		}
	}
	attempt_close(&a);
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
	build = attempt_build(a, &said);
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
control_stop(struct builds *b, const char *database, int64_t id)
{
	struct attempt a;
	jv rec = attempt_open(&a, b, database, id), build;

	if (jv_is_valid(rec)) {
		attempt_close(&a);
		return rec;
	}
	jv_free(rec);
	rec = jv_invalid();
	if (!a.known && json_int(&a.row, "sent_at", 0) != 0) {
		rec = attempt_find(&a); /* it may run: then stop it */
		jv_free(a.row);
		a.row = build_row(b, id);
		build = json_get(&a.row, "build");
		a.known = json_str(&build, "id") != NULL;
		jv_free(build);
	}
	if (a.known || !jv_is_valid(rec)) {
		jv_free(rec);
		rec = a.known ?
		    cancel(&a) :
		    attempt_verdict(&a, "cancelled", "before it started");
	}
	attempt_close(&a);
	return rec;
}

jv
control_retry(struct builds *b, const char *database, int64_t id)
{
	struct attempt a;
	jv rec = attempt_open(&a, b, database, id);

	if (!jv_is_valid(rec)) {
		jv_free(rec);
		if (a.known) {
			/* A verdict was of what is now done again. */
			if (json_str(&a.row, "verdict") != NULL)
				build_verdict(b, id, NULL, NULL);
			rec = ask(&a, "retry");
		} else
			rec = attempt_defer(&a.row, "it has not started yet");
	}
	attempt_close(&a);
	return rec;
}
