/* SPDX-License-Identifier: ISC */
/* tack-logs: write the log of a run, and follow it. */
#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "data/json.h"
#include "data/print.h"
#include "data/stamp.h"
#include "log/errand.h"
#include "log/keep.h"
#include "log/mask.h"
#include "log/term.h"
#include "store/db.h"
#include "store/run.h"

/* No inotify: a user has 128 of them, and viewers may be more. */
#define LOOK_MS 250
#define FAULT_MS 10000 /* an older fault is not ours */
#define TAKE_OVER_MS 5000

/* A step as far as it was written. */
struct shown {
	struct view *view;
	size_t number;
	bool begun, over, ending;
	bool going_on; /* a line was written in part */
	int again, fd; /* fd -1: no bytes yet */
	int64_t at;
	struct term *term;
	struct mask_stream *masking;
	const char *since; /* the time of a line that has none */
};

struct view {
	const char *path, *knot, *rkey, *workflow;
	struct mask *mask;
	struct runs runs;
	struct run run;
	struct keep *keep;
	struct shown **shown;
	size_t steps;
	struct errand *errand; /* NULL: all is here */
};

static void
usage(void)
{
	fprintf(stderr,
	    "usage: tack-logs [-bf] [-d database] knot rkey workflow\n");
	exit(EX_USAGE);
}

static void
data(const struct view *v, size_t step, const char *text, const char *time,
    const char *stream)
{
	jv line = json_set_str(jv_object(), "kind", "data");
	char *masked = v != NULL ? mask_text(v->mask, text) : NULL;

	line = json_set_str(line, "content", v != NULL ? masked : text);
	line = json_set_str(line, "time", time);
	line = json_set(line, "step_id", jv_number((double)step));
	print_line(stdout, json_set_str(line, "stream", stream));
	free(masked);
}

static void
control(const struct view *v, size_t step, const struct keep_step *k,
    const char *status, const char *time)
{
	jv line = json_set_str(jv_object(), "kind", "control");
	bool named = k->name != NULL && *k->name != '\0';
	char *name = mask_text(v->mask, named ? k->name : k->id);
	char *command =
	    mask_text(v->mask, k->command != NULL ? k->command : "");

	line = json_set_str(line, "content", name);
	line = json_set_str(line, "time", time);
	line = json_set(line, "step_id", jv_number((double)step));
	line = json_set_str(line, "step_status", status);
	/* Tangled's programs leave out what is 0 or empty. */
	if (!k->system)
		line = json_set(line, "step_kind", jv_number(1));
	if (*command != '\0')
		line = json_set_str(line, "step_command", command);
	if (strcmp(status, "end") == 0 && !isnan(k->exit))
		line = json_set(line, "step_exit", jv_number(k->exit));
	print_line(stdout, line);
	free(command);
	free(name);
}

/* A step of our own after all others, to say what the CI does not. */
static void
remark(const struct view *v, const char *name, const char *text, int64_t ms)
{
	char *copy = xstrdup(name), time[32];
	struct keep_step k = { .name = copy, .exit = NAN };

	stamp_write(time, ms);
	control(v, v->steps, &k, "start", time);
	data(v, v->steps, text, time, "stderr");
	if (v->run.web_url != NULL)
		data(v, v->steps, v->run.web_url, time, "stderr");
	control(v, v->steps, &k, "end", time);
	free(copy);
}

static void
line(const char *text, size_t length, int64_t ms, bool ended, void *arg)
{
	struct shown *s = arg;
	char *content, time[32];
	size_t size;
	FILE *to = mem_open(&content, &size);

	mask_feed(s->masking, text, length, to);
	if (ended || s->ending)
		mask_end(s->masking, to);
	mem_close(to, &content);
	if (size > 0 || (ended && !s->going_on)) {
		if (ms != -1)
			stamp_write(time, ms);
		data(NULL, s->number, content, ms != -1 ? time : s->since,
		    "stdout");
	}
	s->going_on = !ended;
	free(content);
}

/* What was left of a line, if the log has come to its end. */
static void
last_line(struct shown *s)
{
	s->ending = true;
	term_end(s->term);
	if (mask_holds(s->masking) > 0)
		line("", 0, -1, false, s);
	s->ending = s->going_on = false;
}

static void
end_step(struct shown *s, const struct keep_step *k, const char *time)
{
	last_line(s);
	if (s->fd != -1)
		close(s->fd);
	control(s->view, s->number, k, "end", time);
	term_free(s->term);
	mask_stream_free(s->masking);
	s->over = true;
}

static struct shown *
shown(struct view *v, size_t number)
{
	struct shown *s;

	if (number < v->steps)
		return v->shown[number];
	v->shown = xreallocarray(v->shown, number + 1, sizeof(*v->shown));
	s = xcalloc(1, sizeof(*s));
	s->view = v;
	s->number = number;
	s->fd = -1;
	v->shown[v->steps++] = s;
	return s;
}

/* The bytes of a step that are new, as lines. */
static void
show_bytes(struct view *v, struct shown *s)
{
	char bytes[65536], *text;
	ssize_t n, kept;

	if (s->fd == -1)
		s->fd = keep_bytes(v->keep, s->number, false);
	while (s->fd != -1 &&
	    (n = pread(s->fd, bytes, sizeof(bytes), s->at)) != 0) {
		if (n == -1)
			err(EX_IOERR, "log");
		if (s->at == 0) {
			int64_t left_out;

			/* It was known before the first byte was here. */
			keep_read(v->keep);
			s->since = v->keep->step[s->number].started_at;
			left_out = v->keep->step[s->number].left_out;
			if (left_out > 0) {
				text = xasprintf("The first %lld bytes of this"
						 " log are left out.",
				    (long long)left_out);
				data(NULL, s->number, text, s->since, "stderr");
				free(text);
			}
		}
		s->at += n;
		/* NULs fill up what was masked, and show on no terminal. */
		kept = 0;
		for (ssize_t i = 0; i < n; i++)
			if (bytes[i] != '\0')
				bytes[kept++] = bytes[i];
		term_feed(s->term, bytes, (size_t)kept);
	}
}

static void
show_step(struct view *v, size_t number)
{
	struct shown *s = shown(v, number);
	const struct keep_step *k = &v->keep->step[number];
	bool drained = k->drained;

	if (s->over || k->started_at == NULL)
		return;
	s->since = k->started_at;
	if (!s->begun) {
		s->begun = true;
		s->again = k->again;
		s->term = term_new(line, s);
		s->masking = mask_stream_new(v->mask, false);
		control(v, number, k, "start", k->started_at);
	}
	if (s->again != k->again) {
		last_line(s);
		data(NULL, number, "The log begins anew.", s->since, "stderr");
		if (s->fd != -1)
			close(s->fd);
		s->fd = -1;
		s->at = 0;
		s->again = k->again;
	}
	show_bytes(v, s);
	k = &v->keep->step[number];
	if (!drained || s->again != k->again)
		return;
	if (s->at == 0)
		data(NULL, number, "The CI has no log of this step.", s->since,
		    "stderr");
	end_step(s, k, k->finished_at != NULL ? k->finished_at : s->since);
}

static void
flush(void)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		err(EX_IOERR, "stdout");
}

static void
show(struct view *v)
{
	keep_read(v->keep);
	for (size_t i = 0; i < v->keep->steps; i++)
		show_step(v, i);
	flush();
}

/* Nothing more comes of the steps that are open. */
static void
cut(struct view *v, int64_t ms)
{
	char time[32];

	stamp_write(time, ms);
	for (size_t i = 0; i < v->steps; i++)
		if (v->shown[i]->begun && !v->shown[i]->over) {
			v->shown[i]->since = v->keep->step[i].started_at;
			end_step(v->shown[i], &v->keep->step[i], time);
		}
}

static bool
begun(const struct view *v)
{
	for (size_t i = 0; i < v->steps; i++)
		if (v->shown[i]->begun)
			return true;
	return false;
}

/* The run is over, and no step of it has run. */
static void
show_none(struct view *v)
{
	static const struct {
		const char *status, *name;
	} names[] = { { "failed", "Workflow could not start" },
		{ "timeout", "Workflow timed out" },
		{ "cancelled", "Workflow was cancelled" } };
	const char *status =
	    v->run.verdict != NULL ? v->run.verdict : v->run.status;
	const char *name = "No log", *text = v->run.reason;
	char *error = run_error(&v->runs, v->knot, v->rkey, v->workflow);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (status != NULL && strcmp(status, names[i].status) == 0)
			name = names[i].name;
	if (text == NULL || *text == '\0')
		text = error;
	if (text == NULL || *text == '\0')
		text = "The CI has no log of this run.";
	remark(v, name, text, v->run.when);
	free(error);
}

static int
show_fault(struct view *v)
{
	const struct keep *k = v->keep;

	if (!begun(v) && v->run.verdict != NULL) {
		show_none(v);
		return 0;
	}
	cut(v, k->fault_at);
	remark(v, begun(v) ? "Log incomplete" : "Log not available", k->fault,
	    k->fault_at);
	return k->for_good ? 1 : EX_TEMPFAIL;
}

static int
watch(struct view *v, struct db *db, bool follow)
{
	int64_t since = clock_now();
	char *id = NULL;
	bool alone = true;
	int fetched = 0;
	int64_t last = clock_ticks(); /* when somebody fetched */

	for (int idle = 0;; db_wait(db, LOOK_MS)) {
		if (v->errand != NULL)
			alone = errand_over(v->errand, !follow, &fetched);
		run_free(&v->run);
		run_look(&v->runs, v->knot, v->rkey, v->workflow, &v->run);
		if (id != NULL &&
		    (v->run.build_id == NULL ||
			strcmp(v->run.build_id, id) != 0)) {
			/* a newer attempt has begun */
			cut(v, clock_now());
			return 0;
		}
		if (v->keep == NULL && v->run.build_id != NULL)
			v->keep = keep_open(
			    v->path, v->run.provider, v->run.build_id, false);
		if (v->keep != NULL && id == NULL)
			id = xstrdup(v->run.build_id);
		if (v->keep != NULL) {
			show(v);
			if (v->keep->fault != NULL &&
			    v->keep->fault_at > since - FAULT_MS)
				return show_fault(v);
		}
		if (v->run.over &&
		    (v->run.build_id == NULL ||
			(v->keep != NULL && v->keep->done == v->run.when))) {
			if (!begun(v))
				show_none(v);
			return 0;
		}
		if (alone && fetched == -1 && follow && v->keep != NULL) {
			/* Ours was killed; another's may just take over. */
			if (keep_locked(v->keep))
				last = clock_ticks();
			if (clock_ticks() - last < TAKE_OVER_MS)
				continue;
		}
		if (!follow && !begun(v) && fetched == 0)
			warnx("this run has no log yet");
		if (!follow || (alone && fetched != 0))
			return fetched == -1 ? EX_TEMPFAIL : fetched;
		if (!alone) {
			last = clock_ticks();
			continue;
		}
		if (idle++ > 4)
			errx(EX_TEMPFAIL, "nobody fetches this log");
	}
}

/* Is there, or may there be, something that is not kept yet? */
static bool
lacking(const struct view *v)
{
	struct keep *k;
	bool lacks;

	if (v->run.build_id == NULL)
		return !v->run.over;
	k = keep_open(v->path, v->run.provider, v->run.build_id, false);
	if (k == NULL)
		return true;
	keep_read(k);
	lacks = !v->run.over || k->done != v->run.when;
	keep_close(k);
	return lacks;
}

int
main(int argc, char *argv[])
{
	struct view v = { .run = { .build = jv_invalid() } };
	bool begin = false, follow = false;
	struct db *db;
	int ch, status;

	while ((ch = getopt(argc, argv, "bd:f")) != -1)
		switch (ch) {
		case 'b':
			begin = true;
			break;
		case 'd':
			v.path = optarg;
			break;
		case 'f':
			follow = true;
			break;
		default:
			usage();
		}
	if (argc - optind != 3)
		usage();
	v.knot = argv[optind];
	v.rkey = argv[optind + 1];
	v.workflow = argv[optind + 2];
	v.path = db_path(v.path);

	db = db_open(v.path, DB_READ);
	run_prepare(&v.runs, db);
	if (!run_look(&v.runs, v.knot, v.rkey, v.workflow, &v.run))
		errx(EX_NOINPUT,
		    "no such run: not known here yet, or no longer");
	v.mask = mask_new();
	mask_environment(v.mask);
	if (lacking(&v))
		v.errand =
		    errand_send(v.path, v.knot, v.rkey, v.workflow, follow);
	sandbox_database(v.path);
	sandbox(SANDBOX_NO_EXEC | SANDBOX_NO_NET);

	if (begin) {
		putchar('\n');
		flush();
	}
	status = watch(&v, db, follow);
	flush();
	db_close(db);
	return status;
}
