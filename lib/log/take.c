/* SPDX-License-Identifier: ISC */
/* Take a build's log from its CI into what is kept of it. */
#include <sys/stat.h>

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ci/answer.h"
#include "data/json.h"
#include "data/stamp.h"
#include "log/take.h"

#define QUIET_MS 60000 /* after a step's end its log grows no more */
#define MOST (4 * 1024 * 1024) /* bytes of a log that are not left out */
#define TRIES 5 /* for a log that grows while it is asked for */

/* The end of a step's file, where masked bytes are added. */
struct sink {
	FILE *to;
	int64_t size; /* of the file */
	struct mask_stream *masking;
	int64_t whole; /* bytes of the log, -1 if the CI does not list that */
	bool more; /* what was taken last was not all there is */
};

struct take {
	struct call *call;
	struct keep *keep;
	struct mask *mask;
	struct sink *sink; /* of each step, by its number */
	size_t sinks;
	bool changed; /* what is known of the steps */
};

struct take *
take_new(struct call *call, struct keep *keep, struct mask *mask)
{
	struct take *t = xcalloc(1, sizeof(*t));

	t->call = call;
	t->keep = keep;
	t->mask = mask;
	return t;
}

/* Set a text of a step, given, if it is another now. */
static void
set(struct take *t, char **was, char *now)
{
	if (*was != NULL && strcmp(*was, now) == 0) {
		free(now);
		return;
	}
	free(*was);
	*was = now;
	t->changed = true;
}

/* The CI's time, or now where it does not say when. */
static void
set_time(struct take *t, char **was, const jv *step, const char *member)
{
	const char *text = json_str(step, member);
	char now[32], *copy;

	if (text == NULL || stamp_read(text) == -1) {
		if (*was != NULL)
			return;
		stamp_write(now, clock_now());
		text = now;
	}
	copy = xstrdup(text);
	set(t, was, copy);
}

/* The step of this id, added if there is none. */
static struct keep_step *
step_of(struct take *t, const char *id)
{
	for (size_t i = 0; i < t->keep->steps; i++)
		if (strcmp(t->keep->step[i].id, id) == 0)
			return &t->keep->step[i];
	t->changed = true;
	return keep_add(t->keep, id);
}

/* Make room for the sink of every step. */
static void
grow(struct take *t)
{
	if (t->sinks >= t->keep->steps)
		return;
	t->sink = xreallocarray(t->sink, t->keep->steps, sizeof(*t->sink));
	for (; t->sinks < t->keep->steps; t->sinks++)
		t->sink[t->sinks] = (struct sink){ .whole = -1 };
}

/* Note a step, given, as the CI tells of it now. */
static void
note_step(jv step, void *arg)
{
	struct take *t = arg;
	jv v = json_get(&step, "id");
	double code = json_number(&step, "exit", NAN);
	char *id = jv_is_valid(v) ? json_word(&v) : NULL;
	const char *name = json_str(&step, "name");
	const char *command = json_str(&step, "command");
	const char *state = json_str(&step, "state");
	const char *kind = json_str(&step, "kind");
	bool ran = json_str(&step, "started_at") != NULL || !isnan(code) ||
	    (state != NULL && strcmp(state, "running") == 0);
	struct keep_step *s;

	jv_free(v);
	if (id == NULL) {
		jv_free(step);
		return;
	}
	s = step_of(t, id);
	free(id);
	grow(t);
	t->sink[s - t->keep->step].whole = json_int(&step, "size", -1);
	s->system = kind != NULL && strcmp(kind, "system") == 0;
	set(t, &s->name, mask_text(t->mask, name != NULL ? name : ""));
	if (command != NULL)
		set(t, &s->command, mask_text(t->mask, command));
	if (ran)
		set_time(t, &s->started_at, &step, "started_at");
	if (state != NULL && strcmp(state, "ended") == 0) {
		if (ran)
			set_time(t, &s->finished_at, &step, "finished_at");
		t->changed = t->changed || !s->ended;
		s->ended = true;
		s->exit = code;
	}
	jv_free(step);
}

/*
 * Go to the end of a step's file.  Who wrote before may have been killed
 * within a secret, so cut it back to where a line begins: no secret has a
 * newline.
 */
static void
go_on(struct sink *k, int fd)
{
	char end[65536];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		err(EX_TEMPFAIL, "fstat");
	k->size = st.st_size;
	if (k->size == 0)
		return;
	n = k->size < (int64_t)sizeof(end) ? k->size : (ssize_t)sizeof(end);
	if (pread(fd, end, (size_t)n, k->size - n) != n)
		err(EX_TEMPFAIL, "pread");
	while (n > 0 && end[n - 1] != '\n') {
		n--;
		k->size--;
	}
	if (k->size < st.st_size && ftruncate(fd, k->size) == -1)
		err(EX_TEMPFAIL, "ftruncate");
}

static struct sink *
sink_open(struct take *t, size_t step)
{
	struct sink *k;
	int fd;

	grow(t);
	k = &t->sink[step];
	if (k->to == NULL) {
		fd = keep_bytes(t->keep, step, true);
		go_on(k, fd);
		if ((k->to = fdopen(fd, "a")) == NULL)
			err(EX_OSERR, "fdopen");
		k->masking = mask_stream_new(t->mask, true);
	}
	return k;
}

static void
sink_close(struct sink *k)
{
	if (k->to == NULL)
		return;
	if (fclose(k->to) == EOF)
		err(EX_TEMPFAIL, "log");
	mask_stream_free(k->masking);
	*k = (struct sink){ .whole = k->whole };
}

static void
append(struct sink *k, const char *bytes, size_t length)
{
	size_t held = mask_holds(k->masking);

	mask_feed(k->masking, bytes, length, k->to);
	if (fflush(k->to) == EOF)
		err(EX_TEMPFAIL, "log");
	k->size += (int64_t)(length + held - mask_holds(k->masking));
}

/* All of a step's log is here. */
static void
drained(struct take *t, size_t step)
{
	struct sink *k = sink_open(t, step);

	mask_end(k->masking, k->to);
	if (fflush(k->to) == EOF || fsync(fileno(k->to)) == -1)
		err(EX_TEMPFAIL, "log");
	sink_close(k);
	t->keep->step[step].drained = true;
	keep_write(t->keep);
}

/*
 * Begin a step's file anew, or for the first time: the first left_out bytes of
 * the log are not in it.
 */
static struct sink *
begin(struct take *t, size_t step, int64_t left_out)
{
	struct sink *k = sink_open(t, step);

	if (k->size > 0) {
		sink_close(k);
		keep_again(t->keep, step, left_out);
	} else {
		mask_stream_free(k->masking);
		k->masking = mask_stream_new(t->mask, true);
		t->keep->step[step].left_out = left_out;
		keep_write(t->keep);
	}
	return sink_open(t, step);
}

/* Ask for a step's log from offset on; total is its length, or -1. */
static jv
ask_bytes(struct take *t, const jv *build, size_t step, int64_t offset,
    int64_t total, struct call_piece *piece)
{
	jv input = json_set(jv_object(), "build", jv_copy(*build));

	input = json_set_str(input, "step", t->keep->step[step].id);
	input = json_set(input, "offset", jv_number((double)offset));
	input = json_set(input, "length", jv_number(MOST));
	if (total != -1)
		input = json_set(input, "total", jv_number((double)total));
	return call_log(t->call, input, piece);
}

/*
 * Take what is new of a step's log; grew says whether there was any.  Returns
 * an empty object, or what went wrong.
 */
static jv
take_bytes(struct take *t, const jv *build, size_t step, bool *grew)
{
	struct sink *k = sink_open(t, step);
	struct keep_step *s = &t->keep->step[step];
	int64_t offset, whole, total = -1;
	struct call_piece p;
	const char *line;
	jv said;

	*grew = k->more = false;
	if (s->left_out == 0 && k->size == 0 && k->whole > MOST)
		k = begin(t, step, k->whole - MOST);
	for (int try = 0; try < TRIES; try++) {
		offset =
		    s->left_out + k->size + (int64_t)mask_holds(k->masking);
		said = ask_bytes(t, build, step, offset, total, &p);
		if (answer_how(&said, NULL) != ANSWER_GOOD || p.start == -1)
			return said;
		whole = p.total != -1 ? p.total : p.start + (int64_t)p.length;
		if (whole < offset) {
			/* it is another now */
			k = begin(t, step, 0);
			*grew = true;
			goto again;
		}
		if (whole - offset > MOST &&
		    (offset == 0 || p.start > offset)) {
			offset = whole - MOST;
			k = begin(t, step, offset);
		}
		if (p.start > offset) {
			total = whole;
			goto again;
		}
		offset -= p.start;
		if (s->left_out > 0 && k->size == 0 &&
		    offset < (int64_t)p.length &&
		    (line = memchr(p.bytes + offset, '\n',
			 p.length - (size_t)offset)) != NULL) {
			line++;
			s->left_out += line - (p.bytes + offset);
			keep_write(t->keep);
			offset = line - p.bytes;
		}
		if (offset < (int64_t)p.length) {
			append(k, p.bytes + offset, p.length - (size_t)offset);
			*grew = true;
		}
		k->more = *grew && p.total == -1;
		free(p.bytes);
		return said;
	again:
		free(p.bytes);
		jv_free(said);
	}
	*grew = true;
	return jv_object();
}

/* May more come of a step that has ended, just now? */
static bool
grows_yet(const struct keep_step *s)
{
	return stamp_read(s->finished_at) > clock_now() - QUIET_MS;
}

jv
take_news(struct take *t, const jv *build, bool *news)
{
	jv input = json_set(jv_object(), "build", jv_copy(*build));
	jv said = call_ask(t->call, "steps", input, BUDGET_LOG), steps;
	bool grew;

	*news = false;
	if (answer_how(&said, NULL) != ANSWER_GOOD)
		return said;
	t->changed = false;
	steps = json_get(&said, "steps");
	json_each(&steps, note_step, t);
	jv_free(steps);
	if (t->changed)
		keep_write(t->keep);
	*news = t->changed;
	for (size_t i = 0; i < t->keep->steps; i++) {
		const struct keep_step *s = &t->keep->step[i];

		if (s->started_at == NULL || s->drained)
			continue;
		do {
			jv_free(said);
			said = take_bytes(t, build, i, &grew);
			if (answer_how(&said, NULL) != ANSWER_GOOD)
				return said;
			*news = *news || grew;
		} while (
		    s->ended && (t->sink[i].more || (grew && grows_yet(s))));
		if (s->ended) {
			drained(t, i);
			*news = true;
		}
	}
	return said;
}

void
take_free(struct take *t)
{
	for (size_t i = 0; i < t->sinks; i++)
		sink_close(&t->sink[i]);
	free(t->sink);
	free(t);
}
