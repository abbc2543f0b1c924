/* SPDX-License-Identifier: ISC */
/* tack-fetch: fetch the log of a run from its CI into what is kept of it. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "ci/answer.h"
#include "ci/call.h"
#include "ci/provider.h"
#include "data/check.h"
#include "data/json.h"
#include "log/keep.h"
#include "log/mask.h"
#include "log/take.h"
#include "store/db.h"
#include "store/run.h"

#define REQUEST 65536 /* bytes, the most of one */
#define LOOK_MS 250
#define SOON_MS 2000 /* until the CI is asked again while there is news */
#define LATE_MS 10000 /* and when there has been none for long */
#define GIVE_UP_MS 60000 /* without an answer */
#define FAULT_MS 10000 /* so long a fault counts for those who come after */

struct fetch {
	const char *knot, *rkey, *workflow;
	bool follow;
	int64_t begun;
	struct mask *mask;
	struct db *db;
	struct runs runs;
	struct run run;
	struct keep *keep;
};

static void
usage(void)
{
	fprintf(stderr,
	    "usage: tack-fetch [-f] [-d database] knot rkey workflow\n"
	    "       tack-fetch -r [-d database]\n");
	exit(EX_USAGE);
}

static bool
look(struct fetch *f)
{
	run_free(&f->run);
	return run_look(&f->runs, f->knot, f->rkey, f->workflow, &f->run);
}

/* Store why no more is fetched, and whether that is for good. */
static void
fault(struct fetch *f, const char *why, bool for_good)
{
	free(f->keep->fault);
	f->keep->fault = mask_text(f->mask, why);
	f->keep->for_good = for_good;
	f->keep->fault_at = clock_now();
	keep_write(f->keep);
}

/* Store the CI's reason why no more can be had. */
static void
refused(struct fetch *f, enum answer_how how, const char *why)
{
	char *text = how == ANSWER_GONE ?
	    xasprintf("The CI no longer has this build (%s), and no log of it"
		      " is kept here.",
		why) :
	    xstrdup(why);

	fault(f, text, how != ANSWER_UNSURE);
	free(text);
}

/* All is here for the status of this time. */
static void
done(struct fetch *f, int64_t when)
{
	f->keep->done = when;
	free(f->keep->fault);
	f->keep->fault = NULL;
	keep_write(f->keep);
}

/* Did another process fail just now?  That need not be tried again at once. */
static bool
just_failed(const struct fetch *f)
{
	return f->keep->fault != NULL &&
	    f->keep->fault_at > f->begun - FAULT_MS;
}

/*
 * Wait for the lock.  Without follow, be content as soon as the process that
 * has it has fetched something, or failed.
 */
static bool
locked(struct fetch *f)
{
	if (f->follow)
		return keep_lock(f->keep, true);
	while (!keep_lock(f->keep, false)) {
		keep_read(f->keep);
		if (f->keep->steps > 0 || f->keep->done != -1 || just_failed(f))
			return false;
		if (clock_now() - f->begun > GIVE_UP_MS)
			errx(EX_TEMPFAIL, "another process fetches");
		usleep(100000);
	}
	return true;
}

/* Have the lock, if there is anything left to fetch. */
static bool
have_work(struct fetch *f)
{
	if (!locked(f))
		return false;
	keep_read(f->keep);
	look(f);
	return !just_failed(f) &&
	    (!f->run.over || f->keep->done != f->run.when);
}

/* Let time go by; less than ms if the run moves on, unless all of it must. */
static void
rest(struct fetch *f, int64_t ms, bool all_of_it)
{
	int64_t until = clock_now() + ms, when = f->run.when;

	while (ms > 0 && (all_of_it || f->run.when == when)) {
		db_wait(f->db, ms < LOOK_MS ? (int)ms : LOOK_MS);
		look(f);
		ms = until - clock_now();
	}
}

/* Milliseconds to wait, as the CI wants it. */
static int64_t
milliseconds(const jv *said)
{
	double s = answer_wait(said);

	return s < 0.1 ? 100 : s > 3600 ? 3600000 : (int64_t)(s * 1000);
}

/*
 * Is this answer the end of it?  A CI that wants to be left alone is not
 * given up, nor is one that does not answer, for a while, if we follow.
 */
static bool
gives_up(const struct fetch *f, enum answer_how how, int64_t answered)
{
	if (how == ANSWER_UNSURE)
		return !f->follow || clock_now() - answered > GIVE_UP_MS;
	return how != ANSWER_WAIT;
}

/*
 * Ask the CI until all is here, or once if we do not follow.  Ends, too, when
 * the run has a newer build.
 */
static int
ask_on(struct fetch *f, struct take *take)
{
	int64_t pause = SOON_MS, answered = clock_now(), when, ms;
	char *id = xstrdup(f->run.build_id);
	enum answer_how how = ANSWER_GOOD;
	const char *why;
	bool over, news, last = false;
	jv said;

	while (!last && f->run.build_id != NULL &&
	    strcmp(f->run.build_id, id) == 0) {
		over = f->run.over;
		when = f->run.when;
		said = take_news(take, &f->run.build, &news);
		how = answer_how(&said, &why);
		last = !f->follow;
		if (how == ANSWER_GOOD) {
			answered = clock_now();
			if (over && keep_complete(f->keep)) {
				done(f, when);
				last = true;
			}
		} else if (gives_up(f, how, answered)) {
			refused(f, how, why);
			how = ANSWER_GOOD; /* it is told */
			last = true;
		}
		pause = how == ANSWER_GOOD && news ? SOON_MS : pause * 3 / 2;
		if (pause > LATE_MS)
			pause = LATE_MS;
		ms = how == ANSWER_WAIT ? milliseconds(&said) : pause;
		jv_free(said);
		if (!last)
			rest(f, ms, how != ANSWER_GOOD);
	}
	free(id);
	return how != ANSWER_GOOD && !f->follow ? EX_TEMPFAIL : 0;
}

/* Does the provider run programs of this host? */
static bool
runs_programs(const struct provider *p)
{
	jv api = provider_member(p, "api");
	bool none = jv_get_kind(api) != JV_KIND_STRING;

	jv_free(api);
	return none;
}

/* With the lock held: fetch from the run's CI. */
static int
ask_ci(struct fetch *f, const char *database)
{
	struct provider *provider = provider_load(f->run.provider);
	struct call *call = NULL;
	struct take *take;
	int status;

	f->keep->done = -1;
	if (provider != NULL)
		call = call_open(f->run.provider, provider, f->db);
	if (call == NULL) {
		fault(f, "this CI cannot be asked for its logs", true);
		if (provider != NULL)
			provider_free(provider);
		return 0;
	}
	if (!runs_programs(provider)) {
		sandbox_path("/", "r");
		sandbox_database(database);
		sandbox(SANDBOX_NO_EXEC);
	}
	free(f->keep->fault);
	f->keep->fault = NULL;
	take = take_new(call, f->keep, f->mask);
	status = ask_on(f, take);
	take_free(take);
	call_close(call);
	provider_free(provider);
	return status;
}

static int
fetch(struct fetch *f, const char *database)
{
	bool known;
	int status = 0;

	f->begun = clock_now();
	f->run.build = jv_invalid();
	f->mask = mask_new();
	mask_environment(f->mask);
	f->db = db_open(database, DB_WRITE);
	run_prepare(&f->runs, f->db);
	while ((known = look(f)) && f->run.build_id == NULL && !f->run.over &&
	    f->follow)
		db_wait(f->db, LOOK_MS);
	if (!known)
		errx(EX_NOINPUT,
		    "no such run: not known here yet, or no longer");
	if (f->run.build_id != NULL) {
		f->keep =
		    keep_open(database, f->run.provider, f->run.build_id, true);
		if (have_work(f))
			status = ask_ci(f, database);
		keep_close(f->keep);
	}
	run_free(&f->run);
	db_close(f->db);
	return status;
}

/* A line of standard input, parsed; invalid if it is none. */
static jv
read_request(void)
{
	static char text[REQUEST];
	size_t length = 0;
	char *end = NULL;
	ssize_t n;

	while (length < sizeof(text) && end == NULL) {
		n = read(STDIN_FILENO, text + length, sizeof(text) - length);
		if (n <= 0)
			break;
		end = memchr(text + length, '\n', (size_t)n);
		length += (size_t)n;
	}
	if (end == NULL ||
	    check_json(text, (size_t)(end - text), NULL, 0) != -1)
		return jv_invalid();
	return json_parse(text, (size_t)(end - text));
}

/* From now on SIGIO ends us when standard input does: the asker is gone. */
static void
end_with_stdin(void)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);
	char byte;

	if (flags == -1 || fcntl(STDIN_FILENO, F_SETOWN, getpid()) == -1 ||
	    fcntl(STDIN_FILENO, F_SETFL, flags | O_ASYNC | O_NONBLOCK) == -1)
		err(EX_OSERR, "stdin");
	if (read(STDIN_FILENO, &byte, 1) == 0)
		exit(0);
}

/* Fetch what standard input asks for, and answer with the exit status. */
static int
serve(const char *database)
{
	struct fetch f = { 0 };
	jv request = read_request(), ref = json_get(&request, "ref");
	unsigned char status;

	f.knot = json_str(&ref, "knot");
	f.rkey = json_str(&ref, "pipeline_rkey");
	f.workflow = json_str(&ref, "workflow");
	if (f.knot == NULL || f.rkey == NULL || f.workflow == NULL) {
		warnx("stdin: not what tack-logs asks");
		return 1;
	}
	f.follow = json_true(&request, "follow");
	end_with_stdin();
	status = (unsigned char)fetch(&f, database);
	if (write(STDOUT_FILENO, &status, 1) != 1)
		warn("stdout");
	return status;
}

int
main(int argc, char *argv[])
{
	struct fetch f = { 0 };
	const char *database = NULL;
	bool asked = false;
	int ch;

	while ((ch = getopt(argc, argv, "d:fr")) != -1)
		switch (ch) {
		case 'd':
			database = optarg;
			break;
		case 'f':
			f.follow = true;
			break;
		case 'r':
			asked = true;
			break;
		default:
			usage();
		}
	if (asked ? argc != optind || f.follow : argc - optind != 3)
		usage();
	database = db_path(database);
	if (asked)
		return serve(database);
	f.knot = argv[optind];
	f.rkey = argv[optind + 1];
	f.workflow = argv[optind + 2];
	return fetch(&f, database);
}
