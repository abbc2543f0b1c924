/* SPDX-License-Identifier: ISC */
/* The runner of a build: clones, runs the steps, tells what came of it. */
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/err.h>
#include <bsd/stdlib.h>

#include "cell.h"
#include "child.h"
#include "clone.h"
#include "job.h"
#include "json.h"
#include "mark.h"
#include "runner.h"

#define STEPS_MOST 1000
#define REPORT_MS 20000 /* longer than the wait for the database's lock */
#define NAME_SHOWN 80

enum end { GOES_ON, TIMED_OUT, CANCELLED };

struct step {
	char *name, *command; /* command is NULL of a step of ours */
	jv env;
	const char *state;
	int64_t started, finished; /* unix milliseconds */
	int exit; /* -1: none */
};

struct runner {
	const struct jobs *jobs;
	const char *id;
	char *dir;
	jv task, build;
	struct cell cell;
	struct step *step;
	size_t steps;
	struct mark log; /* of the step that runs */
	int events; /* inotify: something is new in the directory */
	int64_t timeout, deadline; /* seconds, and when, monotonic ms */
	enum end end;
};

static int64_t
monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
is_set(const char *name)
{
	const char *text = getenv(name);

	return text != NULL && strcmp(text, "1") == 0;
}

static int64_t
setting(const char *name, int64_t other)
{
	const char *text = getenv(name), *wrong;
	int64_t n;

	if (text == NULL || *text == '\0')
		return other;
	n = strtonum(text, 1, INT32_MAX, &wrong);
	if (wrong != NULL)
		errx(EX_CONFIG, "%s: %s: %s", name, text, wrong);
	return n;
}

/* A member's member, for the caller to free. */
static jv
member(const jv *object, const char *a, const char *b)
{
	jv first = json_get(object, a), second = json_get(&first, b);

	jv_free(first);
	return second;
}

static int64_t
integer(jv v, int64_t other)
{
	char *word = json_word(&v);
	const char *wrong = "";
	int64_t n = 0;

	if (word != NULL)
		n = strtonum(word, 1, INT32_MAX, &wrong);
	free(word);
	jv_free(v);
	return wrong == NULL ? n : other;
}

struct merge {
	const jv *from;
	jv *to;
	const char *wrong;
};

static void
merge_variable(jv key, void *arg)
{
	struct merge *m = arg;
	char *name = json_word(&key), *text;
	jv value = name != NULL ? json_get(m->from, name) : jv_invalid();

	switch (jv_get_kind(value)) {
	case JV_KIND_NULL:
		text = strdup("");
		break;
	case JV_KIND_NUMBER:
		if ((text = json_word(&value)) == NULL)
			text = json_text(jv_copy(value));
		break;
	default:
		text = json_word(&value);
	}
	if (name == NULL || *name == '\0' || strchr(name, '=') != NULL)
		m->wrong = "a variable's name is no name";
	else if (text == NULL)
		m->wrong = "a variable of the environment is not a text";
	else
		*m->to = json_set_str(*m->to, name, text);
	free(text);
	free(name);
	jv_free(value);
	jv_free(key);
}

/* Set the variables of an object in another; why that cannot be, or NULL. */
static const char *
merge(jv *to, jv from)
{
	struct merge m = { &from, to, NULL };
	jv keys;

	if (jv_get_kind(from) == JV_KIND_OBJECT) {
		keys = jv_keys(jv_copy(from));
		json_each(&keys, merge_variable, &m);
		jv_free(keys);
	}
	jv_free(from);
	return m.wrong;
}

/* The environment of a step: where two set a variable, the later wins. */
static const char *
step_env(jv *env, const jv *task, const jv *step)
{
	const char *wrong[3];

	*env = jv_object();
	wrong[0] = merge(env, member(task, "workflow", "environment"));
	wrong[1] = merge(env, json_get(step, "environment"));
	wrong[2] = merge(env, json_get(task, "env"));
	for (size_t i = 0; i < 3; i++)
		if (wrong[i] != NULL)
			return wrong[i];
	return NULL;
}

struct checked {
	const jv *task;
	const char *wrong;
	size_t count;
};

static void
check_step(jv step, void *arg)
{
	struct checked *c = arg;
	const char *wrong;
	jv env;

	c->count++;
	wrong = step_env(&env, c->task, &step);
	if (json_str(&step, "command") == NULL)
		wrong = "a step has no command";
	if (wrong != NULL)
		c->wrong = wrong;
	jv_free(env);
	jv_free(step);
}

static bool
is_sha(const char *text)
{
	size_t length = text != NULL ? strlen(text) : 0;

	return (length == 40 || length == 64) &&
	    strspn(text, "0123456789abcdef") == length;
}

static bool
is_true(jv v)
{
	bool yes = jv_get_kind(v) == JV_KIND_TRUE;

	jv_free(v);
	return yes;
}

const char *
run_refused(const jv *task)
{
	static const char *const names[] = { "knot", "pipeline_rkey",
		"workflow" };
	struct checked c = { task, NULL, 0 };
	const char *kind = json_str(task, "kind");
	jv list = member(task, "workflow", "steps"), ref, repo;
	struct cell cell;

	json_each(&list, check_step, &c);
	jv_free(list);
	ref = json_get(task, "ref");
	for (size_t i = 0; i < 3; i++)
		if (json_str(&ref, names[i]) == NULL)
			c.wrong = "the task has no reference";
	jv_free(ref);
	repo = json_get(task, "repo");
	if (!is_true(member(task, "clone", "skip")) &&
	    (!is_sha(json_str(task, "sha")) || json_str(&repo, "url") == NULL))
		c.wrong = "the task names no repository and commit";
	jv_free(repo);
	if (c.wrong == NULL && c.count == 0)
		c.wrong = "the workflow has no steps";
	if (c.count > STEPS_MOST)
		c.wrong = "the workflow has too many steps";
	if (!is_set("TACK_LOCAL_PULLS") &&
	    ((kind != NULL && strcmp(kind, "pull_request") == 0) ||
		is_true(json_get(task, "from_other"))))
		c.wrong = "pull requests do not run here;"
			  " TACK_LOCAL_PULLS=1 allows them";
	return c.wrong != NULL ? c.wrong : cell_open(&cell);
}

static jv
step_state(const struct step *s, size_t index)
{
	jv v = jv_object();
	char id[24];

	snprintf(id, sizeof(id), "%zu", index);
	v = json_set_str(v, "id", id);
	v = json_set_str(v, "name", s->name);
	if (s->command != NULL)
		v = json_set_str(v, "command", s->command);
	else
		v = json_set_str(v, "kind", "system");
	v = json_set_str(v, "state", s->state);
	if (s->started != 0)
		v = json_set(v, "started_at", job_stamp(s->started));
	if (s->finished != 0)
		v = json_set(v, "finished_at", job_stamp(s->finished));
	if (s->exit != -1)
		v = json_set(v, "exit", jv_number(s->exit));
	return v;
}

/* Steps that never began are none of the build when it has ended. */
static void
store(struct runner *r, bool ended)
{
	jv list = jv_array(), state = jv_object();

	for (size_t i = 0; i < r->steps; i++)
		if (!ended || r->step[i].started != 0)
			list =
			    jv_array_append(list, step_state(&r->step[i], i));
	state = json_set(state, "pid", jv_number(getpid()));
	state = json_set(state, "build", jv_copy(r->build));
	job_write(r->jobs, r->id, json_set(state, "steps", list));
}

/* One line through a filter; what comes out, for the caller to free. */
static char *
through(const char *tool, const char *line)
{
	const char *const argv[] = { tool, NULL };
	int64_t deadline = monotonic() + REPORT_MS;
	struct pollfd p = { .events = POLLIN };
	size_t length = strlen(line), size = 0;
	char *text = NULL, bytes[4096];
	FILE *out = open_memstream(&text, &size);
	int in, status = -1;
	ssize_t n = -1;
	pid_t pid;

	if (out == NULL)
		err(EX_OSERR, NULL);
	if ((pid = child(argv, &in, &p.fd)) != -1) {
		/* A pipe holds more than a report is long. */
		if (write(in, line, length) != (ssize_t)length)
			warn("%s", tool);
		close(in);
		while (monotonic() < deadline && n != 0) {
			if (poll(&p, 1, (int)(deadline - monotonic())) > 0 &&
			    (n = read(p.fd, bytes, sizeof(bytes))) > 0)
				fwrite(bytes, 1, (size_t)n, out);
		}
		close(p.fd);
		if (n != 0)
			kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	if (fclose(out) == EOF)
		err(EX_OSERR, NULL);
	if (status == 0)
		return text;
	free(text);
	return NULL;
}

/* Tell tack, as a poll would; it will ask by itself if this fails. */
static void
report(struct runner *r)
{
	jv rec = jv_object();
	char *line, *text;

	rec = json_set_str(rec, "provider", "local");
	rec = json_set_str(rec, "event", "poll");
	rec = json_set(rec, "asked_at", jv_number((double)job_now()));
	rec = json_set(
	    rec, "payload", json_set(jv_object(), "build", jv_copy(r->build)));
	text = json_text(rec);
	if (asprintf(&line, "%s\n", text) == -1)
		err(EX_OSERR, NULL);
	free(text);
	text = through("tack-resolve", line);
	free(line);
	line = text != NULL ? through("tack-status", text) : NULL;
	if (line == NULL)
		warnx("%s: not reported; tack-poll will ask", r->id);
	free(line);
	free(text);
}

static void
step_begin(struct runner *r, size_t index)
{
	struct step *s = &r->step[index];
	char name[24];

	snprintf(name, sizeof(name), "%zu", index);
	memset(&r->log, 0, sizeof(r->log));
	r->log.fd = job_log(r->jobs, r->id, name, O_WRONLY | O_CREAT | O_TRUNC);
	if (r->log.fd == -1)
		err(EX_CANTCREAT, "%s/%s.log", r->dir, name);
	s->state = "running";
	s->started = job_now();
	store(r, false);
}

static void
step_end(struct runner *r, size_t index, int status)
{
	struct step *s = &r->step[index];

	if (r->end == TIMED_OUT)
		mark_line(&r->log,
		    "tack-local: stopped, the time of %" PRId64 " s is over",
		    r->timeout);
	else if (r->end == CANCELLED)
		mark_line(&r->log, "tack-local: stopped, as was asked for");
	close(r->log.fd);
	s->state = "ended";
	s->exit = status;
	s->finished = job_now();
	store(r, false);
}

/* Has it been cancelled, is the time over? */
static enum end
look(struct runner *r)
{
	char events[4096];

	while (read(r->events, events, sizeof(events)) > 0)
		continue;
	if (job_cancelled(r->jobs, r->id))
		r->end = CANCELLED;
	else if (monotonic() >= r->deadline)
		r->end = TIMED_OUT;
	return r->end;
}

/* At most so many reads, as a writer need never stop. */
static void
drain(struct runner *r, int fd, FILE *captured, int most)
{
	char bytes[65536];
	ssize_t n;

	while (most-- > 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
		if (captured != NULL)
			fwrite(bytes, 1, (size_t)n, captured);
		else
			mark_write(&r->log, bytes, (size_t)n);
}

/*
 * Run a program in the cell to its end, ours or its own, with all it has
 * started.  Its output goes to the log, or is captured.  Returns its exit
 * status as a shell has it, or -1 when it was stopped.
 */
static int
command(struct runner *r, const struct cell *cell, const jv *env,
    const char *const argv[], const char *show, FILE *captured)
{
	struct pollfd p[3] = { { .events = POLLIN }, { .events = POLLIN },
		{ .fd = r->events, .events = POLLIN } };
	int out[2], status = 0;
	int64_t left;
	pid_t pid;

	if (look(r) != GOES_ON)
		return -1;
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) == -1 ||
	    fcntl(out[1], F_SETFL, 0) == -1)
		err(EX_OSERR, "pipe");
	pid = cell_start(cell, r->dir, env, argv, show, out[1]);
	close(out[1]);
	if (pid == -1 || (p[1].fd = pidfd_open(pid, 0)) == -1)
		err(EX_OSERR, "%s", argv[0]);
	p[0].fd = out[0];
	do {
		left = r->deadline - monotonic();
		if (poll(p, 3, left > 0 ? (int)left : 0) == -1)
			err(EX_OSERR, "poll");
		if (p[0].revents & POLLIN)
			drain(r, p[0].fd, captured, 16);
		else if (p[0].revents != 0)
			p[0].fd = -1; /* closed, but it goes on */
	} while (p[1].revents == 0 && look(r) == GOES_ON);
	if (r->end != GOES_ON)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	cell_sweep();
	drain(r, out[0], captured, INT_MAX);
	close(out[0]);
	close(p[1].fd);
	if (r->end != GOES_ON)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

struct git {
	struct runner *runner;
	struct cell cell; /* with a network */
};

static int
git(const jv *env, const char *const argv[], const char *show, FILE *captured,
    void *arg)
{
	struct git *g = arg;

	if (captured == NULL) {
		for (size_t i = 0; argv[i] != NULL; i++)
			mark_write(&g->runner->log, argv[i], strlen(argv[i])),
			    mark_write(&g->runner->log,
				argv[i + 1] != NULL ? " " : "\n", 1);
	}
	return command(g->runner, &g->cell, env, argv, show, captured);
}

static void
describe(struct runner *r)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		err(EX_OSERR, NULL);
	cell_describe(&r->cell, out);
	fprintf(out, "Time: %" PRId64 " s.\n", r->timeout);
	if (fclose(out) == EOF)
		err(EX_OSERR, NULL);
	mark_write(&r->log, text, size);
	free(text);
}

/* The directories of the build, for the user who will be in the cell. */
static void
directories(struct runner *r)
{
	static const char *const names[] = { "work", "home", "tmp" };
	char *path;

	cell_own(&r->cell, r->jobs->path, 0710, false);
	cell_own(&r->cell, r->dir, 0710, false);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (asprintf(&path, "%s/%s", r->dir, names[i]) == -1)
			err(EX_OSERR, NULL);
		if (mkdir(path, 0700) == -1)
			err(EX_CANTCREAT, "%s", path);
		cell_own(&r->cell, path, 0700, true);
		free(path);
	}
}

/* Why the set-up failed, for the caller to free, or NULL. */
static char *
set_up(struct runner *r, int *status)
{
	static const char *const probe[] = { "true", NULL };
	struct git g = { r, r->cell };
	jv env = jv_object();
	char *said = NULL;

	describe(r);
	directories(r);
	if ((*status = command(r, &r->cell, &env, probe, NULL, NULL)) > 0) {
		said = strdup("the sandbox does not start; its log says why");
	} else if (*status == 0) {
		g.cell.network = true;
		said = clone_repository(
		    &r->task, is_set("TACK_DEV"), git, &g, status);
		if (said != NULL && *status >= 0)
			mark_line(&r->log, "tack-local: %s", said);
	}
	jv_free(env);
	return said;
}

/* A stranger's name in a message: one line, not long. */
static char *
plain(const char *name)
{
	size_t length = strlen(name);
	char *text;

	if (length > NAME_SHOWN) {
		length = NAME_SHOWN;
		while (length > 0 && (name[length] & 0xc0) == 0x80)
			length--;
	}
	if ((text = strndup(name, length)) == NULL)
		err(EX_OSERR, NULL);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	return text;
}

/* A step's shell; why the build fails, for the caller to free, or NULL. */
static char *
user_step(struct runner *r, size_t index)
{
	struct step *s = &r->step[index];
	const char *const argv[] = { r->cell.shell, "-c", s->command, NULL };
	char *name, *said = NULL;
	int status;

	step_begin(r, index);
	status = command(r, &r->cell, &s->env, argv, NULL, NULL);
	step_end(r, index, status);
	if (status > 0) {
		name = plain(s->name);
		if (asprintf(&said, "step '%s' exited %d", name, status) == -1)
			err(EX_OSERR, NULL);
		free(name);
	}
	return said;
}

static void
turn(struct runner *r, const char *state, const char *when, const char *error)
{
	r->build = json_set_str(r->build, "state", state);
	r->build = json_set(r->build, when, job_stamp(job_now()));
	if (error != NULL)
		r->build = json_set_str(r->build, "error", error);
}

static void
steps(struct runner *r)
{
	char *said = NULL;
	int status = -1;

	turn(r, "running", "started_at", NULL);
	store(r, false);
	report(r);
	step_begin(r, 0);
	said = set_up(r, &status);
	step_end(r, 0, status);
	for (size_t i = 1; i < r->steps && said == NULL; i++) {
		if (look(r) != GOES_ON)
			break;
		said = user_step(r, i);
	}
	if (r->end == CANCELLED)
		turn(r, "canceled", "finished_at", "cancelled");
	else if (r->end == TIMED_OUT)
		turn(r, "timed_out", "finished_at", "the time is over");
	else
		turn(
		    r, said != NULL ? "failed" : "passed", "finished_at", said);
	free(said);
}

struct earlier {
	struct runner *runner;
	char (*ids)[JOB_ID + 1];
	size_t count;
	int64_t number; /* ours */
};

static int64_t
number_of(const jv *build)
{
	return integer(json_get(build, "number"), 0);
}

static void
add_earlier(const char *id, void *arg)
{
	struct earlier *e = arg;
	jv state, build;

	if (strcmp(id, e->runner->id) == 0 || !job_alive(e->runner->jobs, id))
		return;
	state = job_state(e->runner->jobs, id);
	build = json_get(&state, "build");
	if (!job_final(&state) && number_of(&build) < e->number) {
		e->ids = reallocarray(e->ids, e->count + 1, sizeof(e->ids[0]));
		if (e->ids == NULL)
			err(EX_OSERR, NULL);
		memcpy(e->ids[e->count++], id, JOB_ID + 1);
	}
	jv_free(build);
	jv_free(state);
}

/*
 * Wait until few enough of the builds that came earlier are alive.  None can
 * join them, so those that run are always the first that there are.
 */
static void
wait_turn(struct runner *r)
{
	struct pollfd p = { .fd = r->events, .events = POLLIN };
	struct earlier e = { r, NULL, 0, number_of(&r->build) };
	size_t most = (size_t)setting("TACK_LOCAL_JOBS", 2), alive = 0;

	r->deadline = INT64_MAX;
	jobs_each(r->jobs, add_earlier, &e);
	while (look(r) == GOES_ON) {
		alive = 0;
		for (size_t i = 0; i < e.count; i++)
			alive += job_alive(r->jobs, e.ids[i]);
		if (alive < most)
			break;
		poll(&p, 1, 100);
	}
	free(e.ids);
}

static void
add_step(jv step, void *arg)
{
	struct runner *r = arg;
	struct step *s = &r->step[r->steps];
	const char *name = json_str(&step, "name");

	step_env(&s->env, &r->task, &step);
	if ((name != NULL && *name != '\0' ?
		    (s->name = strdup(name)) != NULL :
		    asprintf(&s->name, "Step %zu", r->steps) != -1) == false ||
	    (s->command = strdup(json_str(&step, "command"))) == NULL)
		err(EX_OSERR, NULL);
	s->state = "pending";
	s->exit = -1;
	r->steps++;
	jv_free(step);
}

static void
load(struct runner *r)
{
	jv state = job_state(r->jobs, r->id), list, options;

	r->task = job_task(r->jobs, r->id);
	r->build = json_get(&state, "build");
	jv_free(state);
	list = member(&r->task, "workflow", "steps");
	r->step = calloc(STEPS_MOST + 1, sizeof(*r->step));
	if (r->step == NULL)
		err(EX_OSERR, NULL);
	r->step[0] = (struct step){ .name = strdup("Set up"),
		.env = jv_object(),
		.state = "pending",
		.exit = -1 };
	r->steps = 1;
	json_each(&list, add_step, r);
	jv_free(list);
	options = json_get(&r->task, "options");
	r->timeout = setting("TACK_LOCAL_TIMEOUT", 300);
	r->timeout =
	    integer(json_get(&options, "timeout"), r->timeout) < r->timeout ?
	    integer(json_get(&options, "timeout"), r->timeout) :
	    r->timeout;
	jv_free(options);
}

void
run(const char *id, void *arg)
{
	struct runner r = { .jobs = arg, .id = id };

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (asprintf(&r.dir, "%s/%s", r.jobs->path, id) == -1)
		err(EX_OSERR, NULL);
	r.events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r.events == -1 ||
	    inotify_add_watch(r.events, r.dir, IN_CREATE) == -1)
		err(EX_OSERR, "%s", r.dir);
	load(&r);
	if (cell_open(&r.cell) != NULL)
		errx(EX_CONFIG, "no sandbox");
	wait_turn(&r);
	if (r.end == GOES_ON) {
		r.deadline = monotonic() + r.timeout * 1000;
		steps(&r);
	} else
		turn(&r, "canceled", "finished_at", "cancelled");
	store(&r, true);
	report(&r);
	job_clean(r.jobs, r.id);
}
