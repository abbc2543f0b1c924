/* SPDX-License-Identifier: ISC */
/* The runner of a build: clones, runs the steps, tells what came of it. */
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

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
#include <unistd.h>

#include <bsd/err.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/setting.h"
#include "data/json.h"
#include "local/cell.h"
#include "local/clone.h"
#include "local/index.h"
#include "local/job.h"
#include "local/mark.h"
#include "local/remote.h"
#include "local/report.h"
#include "local/runner.h"
#include "local/task.h"
#include "local/turn.h"

#define LOOK_MS 100 /* a step that fills the disk needs no longer */
#define FREE_MIB 256 /* or a twentieth of the disk, if that is less */
#define FREE_FILES 1000 /* likewise */
#define LAST_TRIES 10 /* seconds */

enum end { GOES_ON, TIMED_OUT, CANCELLED, DISK_FULL };

/* What an end that is not the steps' own comes to. */
static const struct {
	const char *state, *error;
} ends[] = {
	[TIMED_OUT] = { "timed_out", "the time is over" },
	[CANCELLED] = { "canceled", NULL },
	[DISK_FULL] = { "failed", "the disk is full" },
};

struct step {
	char *name, *command; /* command is NULL of a step of ours */
	jv env;
	const char *state;
	int64_t started, finished; /* unix milliseconds */
	int exit; /* -1: none */
};

struct runner {
	const struct dir *jobs;
	const char *id;
	char *dir;
	jv task, build, outcome; /* outcome: build as it will be */
	struct cell cell;
	struct step *step;
	size_t steps;
	struct mark log; /* of the step that runs */
	struct runner_settings set;
	int events; /* inotify: something is new in the directory */
	int64_t timeout, deadline; /* seconds, and when, monotonic ms */
	enum end end;
};

struct runner_settings
runner_settings(void)
{
	return (struct runner_settings){
		.jobs = setting_int("TACK_LOCAL_JOBS", 2, 1, INT32_MAX),
		.timeout = setting_int("TACK_LOCAL_TIMEOUT", 300, 1, INT32_MAX),
		.free = setting_int("TACK_LOCAL_FREE", -1, 0, INT32_MAX),
		.dev = setting_on("TACK_DEV"),
	};
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

/*
 * Write the state.  Steps that never began are none of the build when it has
 * ended.  False if there is no room.
 */
static bool
store(struct runner *r, bool ended)
{
	jv list = jv_array(), state = jv_object();

	for (size_t i = 0; i < r->steps; i++)
		if (!ended || r->step[i].started != 0)
			list =
			    jv_array_append(list, step_state(&r->step[i], i));
	state = json_set(state, "pid", jv_number(getpid()));
	state = json_set(state, "build", jv_copy(r->build));
	if (jv_is_valid(r->outcome))
		state = json_set(state, "outcome", jv_copy(r->outcome));
	return job_write(r->jobs, r->id, json_set(state, "steps", list));
}

/* Something could not be written: that the disk is full ends the build. */
static void
not_written(struct runner *r, const char *what)
{
	if (!dir_full())
		err(EX_CANTCREAT, "%s/%s", r->dir, what);
	r->end = DISK_FULL;
	job_release(r->jobs, r->id);
}

static void
step_begin(struct runner *r, size_t index)
{
	struct step *s = &r->step[index];
	int64_t written = r->log.before + r->log.size;
	char name[24];

	snprintf(name, sizeof(name), "%zu", index);
	r->log = (struct mark){ .before = written };
	r->log.fd = job_log(r->jobs, r->id, name, O_WRONLY | O_CREAT | O_TRUNC);
	if (r->log.fd == -1)
		not_written(r, name);
	s->state = "running";
	s->started = clock_now();
	if (!store(r, false))
		not_written(r, "state.json");
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
	else if (r->end == DISK_FULL) {
		job_release(r->jobs, r->id); /* nobody is left to take it */
		mark_line(&r->log, "tack-local: stopped, the disk is full");
	}
	if (r->log.fd != -1)
		close(r->log.fd);
	s->state = "ended";
	s->exit = status;
	s->finished = clock_now();
	if (!store(r, false))
		not_written(r, "state.json");
}

/* Is less of the disk free than is to be left free? */
static bool
crowded(const struct runner *r)
{
	struct statvfs st;
	uint64_t least, files;

	if (fstatvfs(r->jobs->fd, &st) == -1)
		return false;
	least = (uint64_t)st.f_blocks * st.f_frsize / 20;
	files = (uint64_t)st.f_files / 20; /* 0 where there is no limit */
	if (least > (uint64_t)FREE_MIB << 20)
		least = (uint64_t)FREE_MIB << 20;
	if (files > FREE_FILES)
		files = FREE_FILES;
	if (r->set.free != -1)
		least = (uint64_t)r->set.free << 20;
	return (uint64_t)st.f_bavail * st.f_frsize < least ||
	    st.f_favail < files;
}

/* Has it been cancelled, or its directory removed; is time or room over? */
static enum end
look(struct runner *r)
{
	char events[4096];

	while (r->events != -1 && read(r->events, events, sizeof(events)) > 0)
		continue;
	if (job_cancelled(r->jobs, r->id) || !dir_exists(r->jobs, r->id))
		r->end = CANCELLED;
	else if (r->end == GOES_ON && clock_ticks() >= r->deadline)
		r->end = TIMED_OUT;
	else if (r->end == GOES_ON && r->deadline != INT64_MAX &&
	    (r->log.full_disk || crowded(r)))
		r->end = DISK_FULL;
	return r->end;
}

/* At most so many reads, as a writer need never stop. */
static void
drain(struct runner *r, int fd, struct clone_said *said, int most)
{
	char bytes[65536];
	size_t room;
	ssize_t n;

	while (most-- > 0 && (n = read(fd, bytes, sizeof(bytes))) > 0) {
		if (said == NULL) {
			mark_write(&r->log, bytes, (size_t)n);
			continue;
		}
		room = CLONE_SAID - said->length;
		said->over = said->over || (size_t)n > room;
		if ((size_t)n < room)
			room = (size_t)n;
		memcpy(said->text + said->length, bytes, room);
		said->length += room;
		said->text[said->length] = '\0';
	}
}

static void
open_pipe(int out[2])
{
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) == -1 ||
	    fcntl(out[1], F_SETFL, 0) == -1)
		err(EX_OSERR, "pipe");
}

/*
 * Wait for the end of a child, ours or its own, and of all it has started.
 * What it writes to the pipe out goes to said or, if that is NULL, to the log.
 * Returns its exit status as a shell has it, or -1 when it was stopped.
 */
static int
await(struct runner *r, pid_t pid, int out[2], struct clone_said *said)
{
	struct pollfd p[3] = { { .fd = out[0], .events = POLLIN },
		{ .fd = pidfd_open(pid, 0), .events = POLLIN },
		{ .fd = r->events, .events = POLLIN } };
	int status = 0;
	int64_t left;

	close(out[1]);
	if (pid == -1 || p[1].fd == -1)
		err(EX_OSERR, "child");
	do {
		left = r->deadline - clock_ticks();
		left = left < 0 ? 0 : left > LOOK_MS ? LOOK_MS : left;
		if (poll(p, 3, (int)left) == -1)
			err(EX_OSERR, "poll");
		if (p[0].revents & POLLIN)
			drain(r, p[0].fd, said, 16);
		else if (p[0].revents != 0)
			p[0].fd = -1; /* closed, but it goes on */
	} while (p[1].revents == 0 && look(r) == GOES_ON &&
	    (said == NULL || !said->over));
	if (p[1].revents == 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	cell_sweep();
	drain(r, out[0], said, INT_MAX);
	close(out[0]);
	close(p[1].fd);
	if (r->end != GOES_ON)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* Run a program in the cell; the rest is as await() has it. */
static int
command(struct runner *r, const struct cell *cell, const jv *env,
    const char *const argv[], const char *show, struct clone_said *said)
{
	int out[2];

	if (look(r) != GOES_ON)
		return -1;
	open_pipe(out);
	return await(
	    r, cell_start(cell, r->dir, env, argv, show, out[1]), out, said);
}

struct git {
	struct runner *runner;
	struct cell cell; /* with a network */
};

static int
git(const jv *env, const char *const argv[], const char *show,
    struct clone_said *said, void *arg)
{
	struct git *g = arg;

	if (said == NULL) {
		for (size_t i = 0; argv[i] != NULL; i++)
			mark_write(&g->runner->log, argv[i], strlen(argv[i])),
			    mark_write(&g->runner->log,
				argv[i + 1] != NULL ? " " : "\n", 1);
	}
	return command(g->runner, &g->cell, env, argv, show, said);
}

/* Say whether a URL is refused, or what to pin it to, with 1 or 0. */
static _Noreturn void
answer(const char *url, bool dev, pid_t parent, int out)
{
	char *pin, *refused;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	refused = remote_refused(url, dev, &pin);
	if (dprintf(out, "%s", refused != NULL ? refused : pin ? pin : "") < 0)
		_exit(126);
	_exit(refused != NULL);
}

/*
 * In a process of its own, as the resolver waits for strangers' name servers,
 * for as long as they like.
 */
static int
look_up(const char *url, char **refused, char **pin, void *arg)
{
	struct git *g = arg;
	struct runner *r = g->runner;
	struct clone_said *said = xcalloc(1, sizeof(*said));
	pid_t parent = getpid(), pid = -1;
	int out[2], status = -1;

	if (look(r) == GOES_ON) {
		open_pipe(out);
		if ((pid = fork()) == 0)
			answer(url, r->set.dev, parent, out[1]);
		status = await(r, pid, out, said);
	}
	*refused = *pin = NULL;
	if (status == 1)
		*refused = xstrdup(said->text);
	else if (status > 1 || said->over)
		*refused = xstrdup("looking for its host failed");
	else if (status == 0 && said->length > 0)
		*pin = xstrdup(said->text);
	free(said);
	return status <= 0 ? status : 1;
}

static void
warn_of(const char *text, void *arg)
{
	struct git *g = arg;

	mark_line(&g->runner->log, "tack-local: warning: %s", text);
}

static void
describe(struct runner *r)
{
	char *text;
	size_t size;
	FILE *out = mem_open(&text, &size);

	cell_describe(&r->cell, out);
	fprintf(out, "Time: %" PRId64 " s.\n", r->timeout);
	mem_close(out, &text);
	mark_write(&r->log, text, size);
	free(text);
}

/* Start a cell that does nothing; what is missing, or NULL. */
static char *
probe(struct runner *r, int *status)
{
	static const char *const argv[] = { "true", NULL };
	struct clone_said *printed = xcalloc(1, sizeof(*printed));
	jv env = jv_object();
	char *said = NULL;

	*status = command(r, &r->cell, &env, argv, NULL, printed);
	mark_write(&r->log, printed->text, printed->length);
	if (*status > 0)
		said = cell_refusal(&r->cell, printed->text);
	jv_free(env);
	free(printed);
	return said;
}

/* Why the set-up failed, for the caller to free, or NULL. */
static char *
set_up(struct runner *r, int *status)
{
	struct git g = { r, r->cell };
	const struct clone_host host = { git, look_up, warn_of, &g };
	char *said;

	describe(r);
	*status = -1;
	if (!cell_directories(&r->cell, r->jobs->path, r->dir)) {
		not_written(r, "work");
		return NULL;
	}
	g.cell.network = true;
	if ((said = probe(r, status)) == NULL && *status == 0)
		said = clone_repository(&r->task, r->set.dev, &host, status);
	if (said != NULL && *status >= 0)
		mark_line(&r->log, "tack-local: %s", said);
	return said;
}

/* A step's shell; why the build fails, for the caller to free, or NULL. */
static char *
user_step(struct runner *r, size_t index)
{
	struct step *s = &r->step[index];
	const char *const argv[] = { r->cell.shell, "-c", "--", s->command,
		NULL };
	char *name, *said = NULL;
	int status;

	step_begin(r, index);
	status = command(r, &r->cell, &s->env, argv, NULL, NULL);
	step_end(r, index, status);
	if (status > 0) {
		name = task_plain(s->name);
		said = xasprintf("step '%s' exited %d", name, status);
		free(name);
	}
	return said;
}

/* The build as it is from now on. */
static jv
become(const struct runner *r, const char *state, const char *when,
    const char *error)
{
	jv build = json_set_str(jv_copy(r->build), "state", state);

	build = json_set(build, when, job_stamp(clock_now()));
	return error != NULL ? json_set_str(build, "error", error) : build;
}

/* Run the steps; why the build failed, for the caller to free, or NULL. */
static char *
steps(struct runner *r)
{
	char *said;
	int status = -1;
	jv build = become(r, "running", "started_at", NULL);

	jv_free(r->build);
	r->build = build;
	step_begin(r, 0); /* it also stores that the build runs */
	report_build(&r->build);
	said = set_up(r, &status);
	step_end(r, 0, status);
	for (size_t i = 1; i < r->steps && said == NULL; i++) {
		if (look(r) != GOES_ON)
			break;
		said = user_step(r, i);
	}
	return said;
}

/*
 * Clean up, then say what came of it: what was said is final, and nothing is
 * left behind.  Killed in between, the next who looks finds the outcome.
 */
static void
finish(struct runner *r, const char *said)
{
	if (r->end != GOES_ON)
		r->outcome = become(
		    r, ends[r->end].state, "finished_at", ends[r->end].error);
	else
		r->outcome = become(
		    r, said != NULL ? "failed" : "passed", "finished_at", said);
	store(r, true);
	job_clean(r->jobs, r->id);
	jv_free(r->build);
	r->build = r->outcome;
	r->outcome = jv_invalid();
	for (int i = 0; !store(r, true); i++) {
		if (i == LAST_TRIES)
			errx(EX_TEMPFAIL, "no room to store the end");
		sleep(1);
	}
	report_build(&r->build);
	index_end(r->jobs, r->id, clock_now());
}

static void
wait_turn(struct runner *r)
{
	struct pollfd p = { .fd = r->events, .events = POLLIN };
	struct turn turn;

	r->deadline = INT64_MAX;
	turn_open(&turn, r->jobs, r->id,
	    task_integer(json_get(&r->build, "number"), 0));
	while (look(r) == GOES_ON && turn_before(&turn) >= r->set.jobs)
		poll(&p, 1, 100);
	free(turn.ids);
}

static void
add_step(jv step, void *arg)
{
	struct runner *r = arg;
	struct step *s = &r->step[r->steps];
	const char *name = json_str(&step, "name");

	task_env(&s->env, &r->task, &step);
	s->name = name != NULL && *name != '\0' ?
	    xstrdup(name) :
	    xasprintf("Step %zu", r->steps);
	s->command = xstrdup(json_str(&step, "command"));
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
	list = task_member(&r->task, "workflow", "steps");
	r->step = xcalloc(TASK_STEPS + 1, sizeof(*r->step));
	r->step[0] = (struct step){ .name = xstrdup("Set up"),
		.env = jv_object(),
		.state = "pending",
		.exit = -1 };
	r->steps = 1;
	json_each(&list, add_step, r);
	jv_free(list);
	options = json_get(&r->task, "options");
	r->timeout = r->set.timeout;
	r->timeout = task_integer(json_get(&options, "timeout"), r->timeout) <
		r->timeout ?
	    task_integer(json_get(&options, "timeout"), r->timeout) :
	    r->timeout;
	jv_free(options);
}

void
runner_run(const char *id, void *arg)
{
	struct runner r = { .jobs = arg,
		.id = id,
		.outcome = jv_invalid(),
		.set = runner_settings() };
	char *said = NULL;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	r.dir = xasprintf("%s/%s", r.jobs->path, id);
	r.events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r.events != -1)
		inotify_add_watch(r.events, r.dir, IN_CREATE);
	job_hold(r.jobs, id);
	load(&r);
	if (cell_open(&r.cell) != NULL)
		errx(EX_CONFIG, "no sandbox");
	wait_turn(&r);
	if (r.end == GOES_ON) {
		r.deadline = clock_ticks() + r.timeout * 1000;
		said = steps(&r);
	}
	finish(&r, said);
	free(said);
}
