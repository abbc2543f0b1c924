/* SPDX-License-Identifier: ISC */
/* tack-local: run workflows here, the embedded CI. */
#include <sys/wait.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/setting.h"
#include "data/check.h"
#include "data/json.h"
#include "data/print.h"
#include "data/stamp.h"
#include "local/cell.h"
#include "local/clone.h"
#include "local/index.h"
#include "local/job.h"
#include "local/make.h"
#include "local/runner.h"
#include "local/task.h"
#include "store/db.h"
#include "store/ref.h"

#define TASK_MOST (16 << 20)
#define LIST_DAYS 3
#define DAY_MS INT64_C(86400000)
#define CLOCK_MS 60000 /* between a file's time and what is written in it */

struct list {
	const struct dir *jobs;
	int64_t since; /* unix milliseconds */
	jv found;
	char (*seen)[DIR_ID + 1]; /* open, when they were looked at */
	size_t count;
};

static void
usage(void)
{
	fprintf(stderr,
	    "usage: tack-local check\n"
	    "       tack-local create\n"
	    "       tack-local list [since]\n"
	    "       tack-local get id\n"
	    "       tack-local cancel id\n"
	    "       tack-local rebuild id [attempt]\n"
	    "       tack-local steps id\n"
	    "       tack-local log id step [offset [length]]\n");
	exit(EX_USAGE);
}

static int
written(void)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		err(EX_IOERR, "stdout");
	return 0;
}

static int
print(jv v)
{
	print_line(stdout, v);
	return written();
}

/* The CI's no, for good. */
static int
refuse(const char *what, const char *reason)
{
	print(json_set_str(jv_object(), what, reason));
	return 1;
}

/* {"build": ...}, as a webhook would have it. */
static jv
payload(jv state)
{
	jv build = json_get(&state, "build");

	jv_free(state);
	return json_set(jv_object(), "build", build);
}

static int
answer(jv state)
{
	if (jv_get_kind(state) == JV_KIND_OBJECT)
		return print(payload(state));
	jv_free(state);
	return refuse("gone", "the build is damaged");
}

static jv
read_task(void)
{
	char *text = xmalloc(TASK_MOST + 1);
	size_t length;
	ssize_t wrong;
	jv task;

	length = fread(text, 1, TASK_MOST + 1, stdin);
	if (ferror(stdin))
		err(EX_IOERR, "stdin");
	if (length > TASK_MOST)
		errx(EX_DATAERR, "stdin: a task of more than %d MiB",
		    TASK_MOST >> 20);
	if ((wrong = check_json(text, length, NULL, 0)) != -1)
		errx(EX_DATAERR, "stdin: %s", check_why(text, length, wrong));
	task = json_parse(text, length);
	free(text);
	if (jv_get_kind(task) != JV_KIND_OBJECT)
		errx(EX_DATAERR, "stdin: not a task");
	return task;
}

/* What a build says of itself before it has run. */
static jv
scheduled(const jv *task, const char *id, const char *parent, jv ref)
{
	static const char *const members[] = { "knot", "pipeline_rkey",
		"workflow", "attempt" };
	const char *seal = json_str(task, "seal"), *name;
	jv build = jv_object(), own = jv_object(), repo;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		own = json_set(own, members[i], json_get(&ref, members[i]));
	if (seal != NULL)
		own = json_set_str(own, "seal", seal);
	jv_free(ref);
	repo = json_get(task, "repo");
	name = json_str(&repo, "name");
	build = json_set_str(build, "id", id);
	build = json_set_str(build, "org", "local");
	build = json_set_str(build, "pipeline", name != NULL ? name : "");
	build = json_set_str(build, "state", "scheduled");
	build = json_set(build, "created_at", job_stamp(clock_now()));
	if (parent != NULL)
		build = json_set_str(build, "parent", parent);
	jv_free(repo);
	return json_set(jv_object(), "build", json_set(build, "ref", own));
}

/* Exits with EX_CONFIG, having said why, if a setting is wrong. */
static const char *
settings(struct cell *cell)
{
	runner_settings();
	return cell_open(cell);
}

/*
 * What is wrong with the settings, for the caller to free, or NULL.  Whoever
 * reads a setting ends the program if it is wrong; so it is a child that does,
 * and its last words are for the record of whoever asked.
 */
static char *
settings_refused(void)
{
	static const char name[] = "tack-local: ";
	struct cell cell;
	char text[1024] = "";
	int out[2], status;
	size_t length = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(out) == -1 || (pid = fork()) == -1)
		err(EX_OSERR, "fork");
	if (pid == 0) {
		if (dup2(out[1], STDERR_FILENO) == -1)
			_exit(EX_OSERR);
		settings(&cell);
		_exit(0);
	}
	close(out[1]);
	while (length < sizeof(text) - 1 &&
	    (n = read(out[0], text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	close(out[0]);
	if (waitpid(pid, &status, 0) == -1 || status == 0)
		return NULL;
	fputs(text, stderr);
	text[strcspn(text, "\n")] = '\0';
	return xstrdup(strncmp(text, name, strlen(name)) == 0 ?
		text + strlen(name) :
		text);
}

static int
create(const struct dir *jobs, jv task, const char *parent)
{
	char id[DIR_ID + 1], *wrong = settings_refused();
	jv ref = json_get(&task, "ref");
	const char *missing;
	struct cell cell;

	if (wrong != NULL) {
		refuse("error", wrong);
		return EX_CONFIG;
	}
	if ((wrong = task_refused(&task)) != NULL ||
	    (wrong = clone_refused(&task)) != NULL)
		return refuse("error", wrong);
	if ((missing = settings(&cell)) != NULL)
		return refuse("error", missing);
	job_id(id, &ref, ref_attempt(&ref));
	if (!make_build(jobs, id, &task, scheduled(&task, id, parent, ref),
		runner_run, (void *)jobs))
		errx(EX_TEMPFAIL, "the build could not be made");
	jv_free(task);
	return answer(job_state(jobs, id));
}

/* Can steps run here?  Say in what, or what is missing. */
static int
check(const struct dir *jobs)
{
	struct cell cell;
	const char *missing = settings(&cell);
	char *dir, *said;

	if (missing != NULL)
		return refuse("error", missing);
	dir = xasprintf("%s/.check.XXXXXX", jobs->path);
	if (mkdtemp(dir) == NULL)
		dir_fail(dir);
	said = cell_try(&cell, jobs->path, dir);
	job_remove(jobs, strrchr(dir, '/') + 1);
	free(dir);
	if (said != NULL)
		return refuse("error", said);
	return print(json_set_str(
	    jv_object(), "sandbox", cell.bwrap != NULL ? "bwrap" : "none"));
}

static int
rebuild(const struct dir *jobs, const char *id, const char *attempt)
{
	jv task = job_task(jobs, id), ref = json_get(&task, "ref");
	const char *wrong = NULL;
	int64_t n = ref_attempt(&ref) + 1;

	if (attempt != NULL)
		n = strtonum(attempt, n, INT32_MAX, &wrong);
	if (wrong != NULL)
		return refuse("error", "an attempt that is not newer");
	ref = json_set(ref, "attempt", jv_number((double)n));
	return create(jobs, json_set(task, "ref", ref), id);
}

static int
cancel(const struct dir *jobs, const char *id)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	jv state = job_state(jobs, id);

	if (!job_final(&state))
		job_cancel(jobs, id);
	/* The runner looks at once; if it is busy, tack-poll will tell. */
	for (int i = 0; i < 250 && !job_final(&state); i++) {
		nanosleep(&pause, NULL);
		jv_free(state);
		state = job_state(jobs, id);
	}
	return answer(state);
}

static void
add(const char *id, void *arg)
{
	struct list *l = arg;
	jv state = job_state(l->jobs, id), build = json_get(&state, "build");
	const char *finished = json_str(&build, "finished_at");

	if (jv_get_kind(build) == JV_KIND_OBJECT &&
	    (finished == NULL || stamp_read(finished) >= l->since))
		l->found = jv_array_append(l->found, payload(jv_copy(state)));
	jv_free(build);
	jv_free(state);
}

static void
add_open(const char *id, void *arg)
{
	struct list *l = arg;

	l->seen = xreallocarray(l->seen, l->count + 1, sizeof(l->seen[0]));
	memcpy(l->seen[l->count++], id, DIR_ID + 1);
	add(id, l);
}

static void
add_ended(const char *id, void *arg)
{
	const struct list *l = arg;

	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->seen[i], id) == 0)
			return;
	if (job_written(l->jobs, id) >= l->since - CLOCK_MS)
		add(id, arg);
}

static int
list(const struct dir *jobs, const char *since)
{
	struct list l = { jobs, clock_now() - LIST_DAYS * DAY_MS, jv_array(),
		NULL, 0 };

	if (since != NULL && (l.since = stamp_read(since)) == -1)
		usage();
	/* What ends in between is found in the second, if not in both. */
	index_each_open(jobs, add_open, &l);
	index_each_ended(jobs, l.since, add_ended, &l);
	free(l.seen);
	return print(l.found);
}

static int
print_log(const struct dir *jobs, const char *id, const char *step,
    const char *offset, const char *length)
{
	char bytes[65536];
	const char *wrong = NULL;
	off_t at = 0, left = INT64_MAX;
	ssize_t n;
	int fd;

	strtonum(step, 0, INT32_MAX, &wrong);
	if (wrong == NULL && offset != NULL)
		at = strtonum(offset, 0, INT64_MAX, &wrong);
	if (wrong == NULL && length != NULL)
		left = strtonum(length, 0, INT64_MAX, &wrong);
	if (wrong != NULL)
		usage();
	if ((fd = job_log(jobs, id, step, O_RDONLY)) == -1) {
		if (errno == ENOENT)
			return 0; /* nothing yet */
		err(EX_NOINPUT, "%s: %s.log", id, step);
	}
	while ((n = pread(fd, bytes,
		    left < (off_t)sizeof(bytes) ? (size_t)left : sizeof(bytes),
		    at)) > 0) {
		fwrite(bytes, 1, (size_t)n, stdout);
		at += n;
		left -= n;
	}
	if (n == -1)
		err(EX_IOERR, "%s: %s.log", id, step);
	close(fd);
	return written();
}

/* The steps of a build, each with the bytes that its log has by now. */
struct step_list {
	const struct dir *jobs;
	const char *id;
	jv steps;
};

static void
add_step(jv step, void *arg)
{
	struct step_list *l = arg;
	const char *name = json_str(&step, "id");
	int fd = name != NULL ? job_log(l->jobs, l->id, name, O_RDONLY) : -1;
	struct stat st;

	if (fd != -1 && fstat(fd, &st) == 0)
		step = json_set(step, "size", jv_number((double)st.st_size));
	if (fd != -1)
		close(fd);
	l->steps = jv_array_append(l->steps, step);
}

static int
steps(const struct dir *jobs, const char *id)
{
	struct step_list l = { jobs, id, jv_array() };
	jv state = job_state(jobs, id), list_ = json_get(&state, "steps");

	json_each(&list_, add_step, &l);
	jv_free(list_);
	jv_free(state);
	return print(json_set(jv_object(), "steps", l.steps));
}

/* Where builds are: as the environment says, else beside the database. */
static char *
directory(void)
{
	const char *path = setting_text("TACK_LOCAL_DIR");

	return path != NULL ? xstrdup(path) :
			      xasprintf("%s-local", db_path(NULL));
}

static const struct {
	const char *name;
	int least, most; /* arguments after the verb */
} verbs[] = {
	{ "cancel", 1, 1 },
	{ "check", 0, 0 },
	{ "create", 0, 0 },
	{ "get", 1, 1 },
	{ "list", 0, 1 },
	{ "log", 2, 4 },
	{ "rebuild", 1, 2 },
	{ "steps", 1, 1 },
};

int
main(int argc, char *argv[])
{
	struct dir jobs;
	const char *verb, *id, *more;
	char *path;
	size_t i;

	if (getopt(argc, argv, "") != -1)
		usage();
	argc -= optind;
	argv += optind;
	if (argc < 1)
		usage();
	verb = argv[0];
	id = argc > 1 ? argv[1] : NULL;
	more = argc > 2 ? argv[2] : NULL;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i].name) == 0)
			break;
	if (i == sizeof(verbs) / sizeof(verbs[0]) ||
	    argc - 1 < verbs[i].least || argc - 1 > verbs[i].most)
		usage();

	path = directory();
	dir_open(&jobs, path);
	index_open(&jobs);
	free(path);
	if (strcmp(verb, "create") == 0)
		return create(&jobs, read_task(), NULL);
	if (strcmp(verb, "check") == 0)
		return check(&jobs);
	if (strcmp(verb, "list") == 0)
		return list(&jobs, id);
	if (!dir_exists(&jobs, id))
		return refuse("gone", "there is no such build here");
	if (strcmp(verb, "cancel") == 0)
		return cancel(&jobs, id);
	if (strcmp(verb, "log") == 0)
		return print_log(&jobs, id, more, argc > 3 ? argv[3] : NULL,
		    argc > 4 ? argv[4] : NULL);
	if (strcmp(verb, "rebuild") == 0)
		return rebuild(&jobs, id, more);
	if (strcmp(verb, "steps") == 0)
		return steps(&jobs, id);
	return answer(job_state(&jobs, id));
}
