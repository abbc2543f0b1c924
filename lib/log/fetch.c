/* SPDX-License-Identifier: ISC */
/* Fetch a build's log from the CI into what is kept of it. */
#include <sys/stat.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "ci/call.h"
#include "ci/provider.h"
#include "data/json.h"
#include "data/print.h"
#include "data/stamp.h"
#include "log/fetch.h"
#include "log/keep.h"
#include "store/db.h"
#include "store/run.h"

#define LOOK_MS 250
#define SOON_MS 2000 /* until the CI is asked again while there is news */
#define LATE_MS 10000 /* and when there has been none for long */
#define GIVE_UP_MS 60000 /* without an answer */
#define FAULT_MS 10000 /* so long a fault counts for those who come after */
#define QUIET_MS 60000 /* after a step's end its log grows no more */
#define MOST (4 * 1024 * 1024) /* bytes of a log that are not left out */
#define TRIES 5 /* for a log that grows while it is asked for */

/* A log in the making. */
struct taking {
	FILE *to;
	int64_t size; /* of the file */
	struct mask_stream *masking;
};

struct fetcher {
	const char *knot, *rkey, *workflow;
	struct mask *mask;
	struct db *db;
	struct runs *runs;
	struct run run;
	struct keep *keep;
	struct provider *provider;
	struct call *call;
	struct taking *taking;
	size_t takings;
	bool news, changed;
};

static bool
look(struct fetcher *f)
{
	run_free(&f->run);
	return run_look(f->runs, f->knot, f->rkey, f->workflow, &f->run);
}

/* Set a text of a step if it is another now. */
static void
set(struct fetcher *f, char **was, char *now)
{
	if (now == NULL || (*was != NULL && strcmp(*was, now) == 0)) {
		free(now);
		return;
	}
	free(*was);
	*was = now;
	f->changed = true;
}

/* The CI's time, or now where it does not say when. */
static void
set_time(struct fetcher *f, char **was, const jv *step, const char *member)
{
	const char *text = json_str(step, member);
	char now[32];

	if (text == NULL || stamp_read(text) == -1) {
		if (*was != NULL)
			return;
		stamp_write(now, stamp_now());
		text = now;
	}
	if ((text = strdup(text)) == NULL)
		err(EX_OSERR, NULL);
	set(f, was, (char *)text);
}

/* A step, as the CI tells of it now. */
static void
take_step(jv step, void *arg)
{
	struct fetcher *f = arg;
	jv v = json_get(&step, "id"), code = json_get(&step, "exit");
	char *id = jv_is_valid(v) ? json_word(&v) : NULL;
	const char *name = json_str(&step, "name");
	const char *command = json_str(&step, "command");
	const char *state = json_str(&step, "state");
	const char *kind = json_str(&step, "kind");
	bool ran = json_str(&step, "started_at") != NULL ||
	    jv_get_kind(code) == JV_KIND_NUMBER ||
	    (state != NULL && strcmp(state, "running") == 0);
	struct keep_step *s;
	size_t i;

	jv_free(code);
	jv_free(v);
	for (i = 0; id != NULL && i < f->keep->steps; i++)
		if (strcmp(f->keep->step[i].id, id) == 0)
			break;
	if (id != NULL && i == f->keep->steps) {
		keep_add(f->keep, id);
		f->changed = true;
	}
	free(id);
	if (id == NULL) {
		jv_free(step);
		return;
	}
	s = &f->keep->step[i];
	s->system = kind != NULL && strcmp(kind, "system") == 0;
	set(f, &s->name, mask_text(f->mask, name != NULL ? name : ""));
	if (command != NULL)
		set(f, &s->command, mask_text(f->mask, command));
	if (ran)
		set_time(f, &s->started_at, &step, "started_at");
	if (state != NULL && strcmp(state, "ended") == 0) {
		if (ran)
			set_time(f, &s->finished_at, &step, "finished_at");
		f->changed = f->changed || !s->ended;
		s->ended = true;
	}
	jv_free(step);
}

/* The word for what did not go well, or NULL if it did. */
static const char *
trouble(const jv *said)
{
	static const char *const words[] = { "error", "gone", "wait",
		"unsure" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		jv v = json_get(said, words[i]);
		bool there = jv_is_valid(v);

		jv_free(v);
		if (there)
			return words[i];
	}
	return NULL;
}

/*
 * Who wrote before may have been killed within a secret, so go back to where
 * a line begins: no secret has a newline.
 */
static void
go_on(struct taking *t, int fd)
{
	char end[65536];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		err(EX_TEMPFAIL, "fstat");
	t->size = st.st_size;
	if (t->size == 0)
		return;
	n = t->size < (int64_t)sizeof(end) ? t->size : (ssize_t)sizeof(end);
	if (pread(fd, end, (size_t)n, t->size - n) != n)
		err(EX_TEMPFAIL, "pread");
	while (n > 0 && end[n - 1] != '\n') {
		n--;
		t->size--;
	}
	if (t->size < st.st_size && ftruncate(fd, t->size) == -1)
		err(EX_TEMPFAIL, "ftruncate");
}

static struct taking *
taking(struct fetcher *f, size_t i)
{
	struct taking *t;
	int fd;

	if (f->takings < f->keep->steps) {
		f->taking =
		    reallocarray(f->taking, f->keep->steps, sizeof(*f->taking));
		if (f->taking == NULL)
			err(EX_OSERR, NULL);
		memset(f->taking + f->takings, 0,
		    (f->keep->steps - f->takings) * sizeof(*f->taking));
		f->takings = f->keep->steps;
	}
	t = &f->taking[i];
	if (t->to == NULL) {
		fd = keep_bytes(f->keep, i, true);
		go_on(t, fd);
		if ((t->to = fdopen(fd, "a")) == NULL)
			err(EX_OSERR, NULL);
		t->masking = mask_stream_new(f->mask, true);
	}
	return t;
}

static void
let_go(struct taking *t)
{
	if (fclose(t->to) == EOF)
		err(EX_TEMPFAIL, "log");
	mask_stream_free(t->masking);
	memset(t, 0, sizeof(*t));
}

static void
append(struct taking *t, const char *bytes, size_t length)
{
	size_t held = mask_holds(t->masking);

	mask_feed(t->masking, bytes, length, t->to);
	if (fflush(t->to) == EOF)
		err(EX_TEMPFAIL, "log");
	t->size += (int64_t)(length + held - mask_holds(t->masking));
}

/* All of a step's log is here. */
static void
drained(struct fetcher *f, size_t i)
{
	struct taking *t = taking(f, i);

	mask_end(t->masking, t->to);
	if (fflush(t->to) == EOF || fsync(fileno(t->to)) == -1)
		err(EX_TEMPFAIL, "log");
	let_go(t);
	f->keep->step[i].drained = true;
	keep_write(f->keep);
	f->news = true;
}

/* Begin a step's log anew, or for the first time, after so many bytes. */
static struct taking *
begin(struct fetcher *f, size_t i, int64_t left_out)
{
	struct taking *t = taking(f, i);

	if (t->size > 0) {
		let_go(t);
		keep_again(f->keep, i, left_out);
	} else {
		mask_stream_free(t->masking);
		t->masking = mask_stream_new(f->mask, true);
		f->keep->step[i].left_out = left_out;
		keep_write(f->keep);
	}
	return taking(f, i);
}

static jv
ask_log(struct fetcher *f, size_t i, int64_t offset, int64_t total,
    struct call_piece *piece)
{
	jv input = json_set(jv_object(), "build", jv_copy(f->run.build));

	input = json_set_str(input, "step", f->keep->step[i].id);
	input = json_set(input, "offset", jv_number((double)offset));
	if (total != -1)
		input = json_set(input, "total", jv_number((double)total));
	return call_log(f->call, input, piece);
}

/* What is new of a step's log; an empty object, or what went wrong. */
static jv
take_log(struct fetcher *f, size_t i, bool *grew)
{
	struct taking *t = taking(f, i);
	struct keep_step *s = &f->keep->step[i];
	int64_t offset, whole, total = -1;
	struct call_piece p;
	const char *line;
	jv said;

	*grew = false;
	for (int try = 0; try < TRIES; try++) {
		offset =
		    s->left_out + t->size + (int64_t)mask_holds(t->masking);
		said = ask_log(f, i, offset, total, &p);
		if (trouble(&said) != NULL || p.start == -1)
			return said;
		whole = p.total != -1 ? p.total : p.start + (int64_t)p.length;
		if (whole < offset) {
			/* it is another now */
			t = begin(f, i, 0);
			*grew = true;
			goto again;
		}
		if (whole - offset > MOST &&
		    (offset == 0 || p.start > offset)) {
			offset = whole - MOST;
			t = begin(f, i, offset);
		}
		if (p.start > offset) {
			total = whole;
			goto again;
		}
		offset -= p.start;
		if (s->left_out > 0 && t->size == 0 &&
		    offset < (int64_t)p.length &&
		    (line = memchr(p.bytes + offset, '\n',
			 p.length - (size_t)offset)) != NULL) {
			line++;
			s->left_out += line - (p.bytes + offset);
			keep_write(f->keep);
			offset = line - p.bytes;
		}
		if (offset < (int64_t)p.length) {
			append(t, p.bytes + offset, p.length - (size_t)offset);
			*grew = true;
		}
		free(p.bytes);
		return said;
	again:
		free(p.bytes);
		jv_free(said);
	}
	*grew = true;
	return jv_object();
}

/* Ask for everything once; an empty object, or what went wrong. */
static jv
ask(struct fetcher *f)
{
	jv input = json_set(jv_object(), "build", jv_copy(f->run.build));
	jv said = call_ask(f->call, "steps", input, BUDGET_LOG), steps;
	bool grew;

	if (trouble(&said) != NULL)
		return said;
	f->changed = false;
	steps = json_get(&said, "steps");
	json_each(&steps, take_step, f);
	jv_free(steps);
	if (f->changed)
		keep_write(f->keep);
	f->news = f->changed;
	for (size_t i = 0; i < f->keep->steps; i++) {
		const struct keep_step *s = &f->keep->step[i];

		if (s->started_at == NULL || s->drained)
			continue;
		do {
			jv_free(said);
			said = take_log(f, i, &grew);
			if (trouble(&said) != NULL)
				return said;
			f->news = f->news || grew;
			s = &f->keep->step[i];
		} while (grew && s->ended &&
		    stamp_read(s->finished_at) > stamp_now() - QUIET_MS);
		if (s->ended)
			drained(f, i);
	}
	return said;
}

/* Is all here of every step that ran? */
static bool
complete(const struct keep *k)
{
	for (size_t i = 0; i < k->steps; i++)
		if (k->step[i].started_at != NULL && !k->step[i].drained)
			return false;
	return true;
}

static void
fault(struct fetcher *f, const char *why, bool for_good)
{
	free(f->keep->fault);
	f->keep->fault = mask_text(f->mask, why);
	f->keep->for_good = for_good;
	f->keep->fault_at = stamp_now();
	keep_write(f->keep);
}

/* Let time go by, less if the run moves on. */
static void
rest(struct fetcher *f, int64_t ms, bool all_of_it)
{
	int64_t until = stamp_now() + ms, when = f->run.when;

	while (ms > 0 && (all_of_it || f->run.when == when)) {
		db_wait(f->db, ms < LOOK_MS ? (int)ms : LOOK_MS);
		look(f);
		ms = until - stamp_now();
	}
}

/* Milliseconds to wait, as the CI wants it. */
static int64_t
milliseconds(const jv *said)
{
	char *text = print_text(json_get(said, "wait"));
	double s = strtod(text, NULL);

	free(text);
	return s < 0.1 ? 100 : s > 3600 ? 3600000 : (int64_t)(s * 1000);
}

/*
 * Have the lock; false if there is nothing left to do.  Who follows waits for
 * it, another is content with what somebody else has fetched meanwhile.
 */
static bool
have_lock(struct fetcher *f, bool follow, int64_t begun)
{
	if (follow)
		keep_lock(f->keep, true);
	else
		while (!keep_lock(f->keep, false)) {
			keep_read(f->keep);
			if (f->keep->steps > 0 || f->keep->done != -1 ||
			    f->keep->fault_at > begun - FAULT_MS)
				return false;
			if (stamp_now() - begun > GIVE_UP_MS)
				errx(EX_TEMPFAIL, "another process fetches");
			usleep(100000);
		}
	keep_read(f->keep);
	look(f);
	if (f->keep->fault != NULL && f->keep->fault_at > begun - FAULT_MS)
		return false;
	return !f->run.over || f->keep->done != f->run.when;
}

static int
follow_build(struct fetcher *f, bool follow)
{
	int64_t pause = SOON_MS, ms, answered = stamp_now(), when;
	char *id = strdup(f->run.build_id);
	const char *word;
	bool over;
	jv said;

	if (id == NULL)
		err(EX_OSERR, NULL);
	while (f->run.build_id != NULL && strcmp(f->run.build_id, id) == 0) {
		over = f->run.over;
		when = f->run.when;
		said = ask(f);
		word = trouble(&said);
		if (word == NULL && over && complete(f->keep)) {
			f->keep->done = when;
			free(f->keep->fault);
			f->keep->fault = NULL;
			keep_write(f->keep);
			jv_free(said);
			break;
		}
		if (word != NULL && strcmp(word, "wait") != 0 &&
		    (strcmp(word, "unsure") != 0 || !follow ||
			stamp_now() - answered > GIVE_UP_MS)) {
			const char *text = json_str(&said, word);

			fault(f, text != NULL ? text : word,
			    strcmp(word, "unsure") != 0);
			jv_free(said);
			break;
		}
		if (!follow) {
			jv_free(said);
			free(id);
			return word != NULL ? EX_TEMPFAIL : 0;
		}
		if (word == NULL)
			answered = stamp_now();
		pause = word == NULL && f->news ? SOON_MS : pause * 3 / 2;
		if (pause > LATE_MS)
			pause = LATE_MS;
		ms = pause;
		if (word != NULL && strcmp(word, "wait") == 0)
			ms = milliseconds(&said);
		jv_free(said);
		rest(f, ms, word != NULL);
	}
	free(id);
	return 0;
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

int
fetch_log(const char *database, const char *knot, const char *rkey,
    const char *workflow, struct mask *mask, bool follow)
{
	struct fetcher f = {
		.knot = knot, .rkey = rkey, .workflow = workflow, .mask = mask
	};
	int64_t begun = stamp_now();
	int status = 0;

	f.db = db_open(database, DB_WRITE);
	f.runs = run_prepare(f.db);
	f.run.build = jv_invalid();
	while (look(&f) && f.run.build_id == NULL && !f.run.over && follow)
		db_wait(f.db, LOOK_MS);
	if (f.run.build_id == NULL)
		return 0;
	f.keep = keep_open(database, f.run.provider, f.run.build_id, true);
	if (!have_lock(&f, follow, begun))
		return 0;
	f.keep->done = -1;
	f.provider = provider_load(f.run.provider);
	if (f.provider != NULL)
		f.call = call_open(f.run.provider, f.provider, f.db);
	if (f.call == NULL) {
		fault(&f, "this CI cannot be asked for its logs", true);
		return 0;
	}
	if (!runs_programs(f.provider)) {
		sandbox_path("/", "r");
		sandbox_database(database);
		sandbox(SANDBOX_NO_EXEC);
	}
	free(f.keep->fault);
	f.keep->fault = NULL;
	status = follow_build(&f, follow);
	db_close(f.db);
	return status;
}
