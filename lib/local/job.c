/* SPDX-License-Identifier: ISC */
/* Builds of the embedded CI, a directory each. */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/err.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/check.h"
#include "data/digest.h"
#include "data/json.h"
#include "data/print.h"
#include "data/stamp.h"
#include "local/index.h"
#include "local/job.h"
#include "local/mark.h"

#define DIED "the runner died"
#define MOST (64 << 20) /* bytes of a file of ours */
#define RESERVE 65536

void
job_id(char id[DIR_ID + 1], const jv *ref, int64_t attempt)
{
	char number[24];
	const char *const texts[] = { json_str(ref, "knot"),
		json_str(ref, "pipeline_rkey"), json_str(ref, "workflow"),
		number };

	snprintf(number, sizeof(number), "%" PRId64, attempt);
	digest_name(id, DIR_ID, texts, 4);
}

bool
job_put(const struct dir *j, const char *id, const char *file, jv v)
{
	char path[DIR_NAME], *text = print_text(v);
	size_t length = strlen(text);
	int result;

	text[length++] = '\n';
	dir_name(path, id, file);
	do
		result = file_replace(j->fd, path, text, length, true);
	while (result == -1 && dir_full() && job_release(j, id));
	if (result == -1 && !dir_full())
		dir_fail(path);
	free(text);
	return result == 0;
}

bool
job_write(const struct dir *j, const char *id, jv state)
{
	return job_put(j, id, "state.json", state);
}

void
job_reserve(const struct dir *j, const char *id)
{
	char path[DIR_NAME];
	int fd = openat(j->fd, dir_name(path, id, "reserve"),
	    O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int error = fd == -1 ? errno : posix_fallocate(fd, 0, RESERVE);

	if (error != 0) {
		errno = error;
		dir_fail(path);
	}
	close(fd);
}

bool
job_release(const struct dir *j, const char *id)
{
	char path[DIR_NAME];
	int error = errno;
	bool there = unlinkat(j->fd, dir_name(path, id, "reserve"), 0) == 0;

	errno = error;
	return there;
}

static jv
get(const struct dir *j, const char *id, const char *file)
{
	char path[DIR_NAME], *text;
	size_t length;
	jv v = jv_null();

	text = file_read(j->fd, dir_name(path, id, file), MOST, &length);
	if (text == NULL && errno == ENOENT)
		return jv_invalid(); /* removed since */
	if (text == NULL && (errno == EMFILE || errno == ENFILE))
		dir_fail(path);
	if (text == NULL)
		warn("%s/%s", j->path, path);
	else if (check_json(text, length, NULL, 0) == -1) {
		jv_free(v);
		v = json_parse(text, length);
	} else
		warnx("%s/%s: damaged", j->path, path);
	free(text);
	return v;
}

jv
job_task(const struct dir *j, const char *id)
{
	return get(j, id, "task.json");
}

/* Its lock, which is of the open file: children have it until they exec. */
static int
lock_file(const struct dir *j, const char *id)
{
	char path[DIR_NAME];
	int fd = openat(j->fd, dir_name(path, id, "lock"),
	    O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1 && errno != ENOENT)
		dir_fail(path);
	return fd;
}

int
job_lock(const struct dir *j, const char *id)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = lock_file(j, id);

	if (fd == -1 || fcntl(fd, F_OFD_SETLK, &l) == 0)
		return fd;
	close(fd);
	return -1;
}

void
job_hold(const struct dir *j, const char *id)
{
	char path[DIR_NAME];
	int fd = openat(j->fd, dir_name(path, id, "lock"), O_RDWR | O_CLOEXEC);

	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == -1)
		dir_fail(path);
}

bool
job_alive(const struct dir *j, const char *id)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = lock_file(j, id);
	bool held;

	if (fd == -1)
		return false;
	held = fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
	close(fd);
	return held;
}

bool
job_final(const jv *state)
{
	static const char *const open_states[] = { "scheduled", "running" };
	jv build = json_get(state, "build");
	const char *text = json_str(&build, "state");
	bool final = true;

	for (size_t i = 0; i < 2; i++)
		if (text != NULL && strcmp(text, open_states[i]) == 0)
			final = false;
	jv_free(build);
	return final;
}

struct ending {
	const struct dir *jobs;
	const char *id;
	jv ended;
};

/* The last line of a step whose runner is gone. */
static void
last_line(const struct ending *e, const char *step)
{
	int fd = step == NULL ?
	    -1 :
	    job_log(e->jobs, e->id, step, O_RDWR | O_APPEND);
	struct mark mark = { .fd = fd };
	char last;

	if (fd == -1)
		return;
	mark.size = lseek(fd, 0, SEEK_END);
	mark.inside = mark.size > 0 &&
	    pread(fd, &last, 1, mark.size - 1) == 1 && last != '\n';
	mark_line(&mark, DIED);
	close(fd);
}

static void
end_step(jv step, void *arg)
{
	const char *state = json_str(&step, "state");
	struct ending *e = arg;

	if (state != NULL && strcmp(state, "running") == 0) {
		last_line(e, json_str(&step, "id"));
		step = json_set_str(step, "state", "ended");
		step = json_set(step, "finished_at", job_stamp(clock_now()));
	} else if (state == NULL || strcmp(state, "ended") != 0) {
		jv_free(step);
		return;
	}
	e->ended = jv_array_append(e->ended, step);
}

/* What is to be said of a build whose runner has died. */
static jv
died(const struct dir *j, const char *id, jv state)
{
	jv build = json_get(&state, "outcome"), steps;
	struct ending e = { .jobs = j, .id = id };

	if (jv_get_kind(build) != JV_KIND_OBJECT) {
		jv_free(build);
		build = json_get(&state, "build");
		build = json_set_str(build, "state", "failed");
		build = json_set_str(build, "error", DIED);
		build = json_set(build, "finished_at", job_stamp(clock_now()));
	}
	steps = json_get(&state, "steps");
	e.ended = jv_array();
	json_each(&steps, end_step, &e);
	jv_free(steps);
	state = json_set(json_drop(state, "outcome"), "steps", e.ended);
	return json_set(state, "build", build);
}

/* When a build ended, in Unix milliseconds; now, if it does not say. */
static int64_t
ended_at(const jv *state)
{
	jv build = json_get(state, "build");
	const char *text = json_str(&build, "finished_at");
	int64_t ms = text != NULL ? stamp_read(text) : -1;

	jv_free(build);
	return ms != -1 ? ms : clock_now();
}

jv
job_state(const struct dir *j, const char *id)
{
	jv state = get(j, id, "state.json");
	bool written = true;
	int fd;

	if (job_final(&state) && !index_is_open(j, id))
		return state;
	if ((fd = job_lock(j, id)) == -1)
		return state;
	/* Its last word may have come since. */
	jv_free(state);
	state = get(j, id, "state.json");
	/* This needs no room, and what follows may need what it frees. */
	job_clean(j, id);
	if (!job_final(&state)) {
		state = died(j, id, state);
		written = job_write(j, id, jv_copy(state));
	}
	if (written)
		index_end(j, id, ended_at(&state));
	close(fd);
	return state;
}

int64_t
job_written(const struct dir *j, const char *id)
{
	char path[DIR_NAME];
	struct stat st;

	if (fstatat(j->fd, dir_name(path, id, "state.json"), &st, 0) == -1)
		return -1;
	return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

void
job_cancel(const struct dir *j, const char *id)
{
	char path[DIR_NAME];
	int fd = openat(j->fd, dir_name(path, id, "cancel"),
	    O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		dir_fail(path);
	close(fd);
}

bool
job_cancelled(const struct dir *j, const char *id)
{
	char path[DIR_NAME];

	return faccessat(j->fd, dir_name(path, id, "cancel"), F_OK, 0) == 0;
}

int
job_log(const struct dir *j, const char *id, const char *step, int flags)
{
	char path[DIR_NAME], file[24];

	snprintf(file, sizeof(file), "%s.log", step);
	return openat(j->fd, dir_name(path, id, file), flags | O_CLOEXEC, 0600);
}

void
job_remove(const struct dir *j, const char *name)
{
	char *path;
	pid_t pid;

	if (faccessat(j->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	path = xasprintf("%s/%s", j->path, name);
	/* A Go module cache is made of directories nobody may write. */
	if ((pid = child_start((const char *const[]){ "chmod", "-Rf", "u+rwX",
				   "--", path, NULL },
		 NULL, NULL)) != -1)
		waitpid(pid, NULL, 0);
	if ((pid = child_start(
		 (const char *const[]){ "rm", "-rf", "--", path, NULL }, NULL,
		 NULL)) != -1)
		waitpid(pid, NULL, 0);
	free(path);
}

void
job_clean(const struct dir *j, const char *id)
{
	static const char *const made[] = { "work", "home", "tmp" };
	char name[DIR_NAME];

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		job_remove(j, dir_name(name, id, made[i]));
	job_release(j, id);
}

jv
job_stamp(int64_t ms)
{
	char text[32];

	stamp_write(text, ms);
	return jv_string(text);
}
