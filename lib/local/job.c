/* SPDX-License-Identifier: ISC */
/* Builds of the embedded CI, a directory each. */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/err.h>
#include <bsd/stdlib.h>
#include <nettle/sha2.h>

#include "base/child.h"
#include "base/mem.h"
#include "data/check.h"
#include "data/json.h"
#include "data/print.h"
#include "data/stamp.h"
#include "local/job.h"
#include "local/mark.h"

#define NAME_SIZE (JOB_ID + 32)
#define DIED "the runner died"

/* The name of one of a build's files, from the directory of builds. */
static const char *
name(char text[NAME_SIZE], const char *id, const char *file)
{
	if (snprintf(text, NAME_SIZE, "%s/%s", id, file) >= NAME_SIZE)
		errx(EX_SOFTWARE, "%s: long name", file);
	return text;
}

static _Noreturn void
fail(const char *what)
{
	int status = errno == ENOSPC || errno == EDQUOT || errno == EMFILE ||
		errno == ENFILE || errno == EIO ?
	    EX_TEMPFAIL :
	    EX_CANTCREAT;

	err(status, "%s", what);
}

void
job_open(struct job_dir *j, const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		fail(path);
	if ((j->path = realpath(path, NULL)) == NULL ||
	    (j->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    fstat(j->fd, &st) == -1)
		fail(path);
	if ((st.st_mode & 022) != 0)
		errx(EX_CONFIG, "%s: others may write it; chmod 700 it", path);
}

static bool
is_id(const char *text)
{
	return strlen(text) == JOB_ID &&
	    strspn(text, "0123456789abcdef") == JOB_ID;
}

void
job_each(const struct job_dir *j, void (*fn)(const char *id, void *), void *arg)
{
	int fd = openat(j->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd == -1 || (dir = fdopendir(fd)) == NULL)
		fail(j->path);
	while ((entry = readdir(dir)) != NULL)
		if (is_id(entry->d_name))
			fn(entry->d_name, arg);
	closedir(dir);
}

void
job_id(char id[JOB_ID + 1], const jv *ref, int64_t attempt)
{
	static const char *const members[] = { "knot", "pipeline_rkey",
		"workflow" };
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx hash;
	char number[24];

	sha256_init(&hash);
	for (size_t i = 0; i < 3; i++) {
		const char *text = json_str(ref, members[i]);

		sha256_update(&hash, strlen(text) + 1, (const uint8_t *)text);
	}
	snprintf(number, sizeof(number), "%" PRId64, attempt);
	sha256_update(&hash, strlen(number), (const uint8_t *)number);
	sha256_digest(&hash, sizeof(digest), digest);
	for (size_t i = 0; i < JOB_ID / 2; i++)
		snprintf(id + 2 * i, 3, "%02x", digest[i]);
}

bool
job_exists(const struct job_dir *j, const char *id)
{
	return is_id(id) && faccessat(j->fd, id, F_OK, 0) == 0;
}

/* A file that is there as a whole or not at all, also after a power cut. */
static void
put(const struct job_dir *j, const char *dir, const char *file, jv v)
{
	char temp[NAME_SIZE], final[NAME_SIZE], *text = print_text(v);
	FILE *fp;
	int fd;

	name(temp, dir, "new");
	fd =
	    openat(j->fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 || (fp = fdopen(fd, "w")) == NULL)
		fail(temp);
	fprintf(fp, "%s\n", text);
	free(text);
	if (fflush(fp) == EOF || ferror(fp) || fsync(fd) == -1 ||
	    fclose(fp) == EOF ||
	    renameat(j->fd, temp, j->fd, name(final, dir, file)) == -1)
		fail(temp);
}

void
job_write(const struct job_dir *j, const char *id, jv state)
{
	put(j, id, "state.json", state);
}

static jv
get(const struct job_dir *j, const char *id, const char *file)
{
	char path[NAME_SIZE], *text;
	struct stat st;
	ssize_t n;
	jv v;
	int fd = openat(j->fd, name(path, id, file), O_RDONLY | O_CLOEXEC);

	if (fd == -1 && errno == ENOENT)
		return jv_invalid(); /* removed since */
	if (fd == -1 || fstat(fd, &st) == -1)
		fail(path);
	text = xmalloc((size_t)st.st_size + 1);
	if ((n = read(fd, text, (size_t)st.st_size)) == -1)
		fail(path);
	close(fd);
	if (check_json(text, (size_t)n, NULL, 0) != -1)
		errx(EX_DATAERR, "%s/%s: not JSON", j->path, path);
	v = json_parse(text, (size_t)n);
	free(text);
	return v;
}

jv
job_task(const struct job_dir *j, const char *id)
{
	return get(j, id, "task.json");
}

/* A lock of the open file: children have it too until they exec. */
static int
lock_file(const struct job_dir *j, const char *dir)
{
	char path[NAME_SIZE];
	int fd = openat(
	    j->fd, name(path, dir, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		fail(path);
	return fd;
}

static bool
lock(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

bool
job_alive(const struct job_dir *j, const char *id)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = lock_file(j, id);
	bool held = fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;

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
	const struct job_dir *jobs;
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
		step = json_set(step, "finished_at", job_stamp(stamp_now()));
	} else if (state == NULL || strcmp(state, "ended") != 0) {
		jv_free(step);
		return;
	}
	e->ended = jv_array_append(e->ended, step);
}

jv
job_state(const struct job_dir *j, const char *id)
{
	jv state = get(j, id, "state.json"), build, steps;
	struct ending e = { .jobs = j, .id = id };
	int fd;

	if (job_final(&state))
		return state;
	fd = lock_file(j, id);
	if (!lock(fd)) {
		close(fd);
		return state;
	}
	/* Its last word may have come since. */
	jv_free(state);
	state = get(j, id, "state.json");
	if (!job_final(&state)) {
		build = json_get(&state, "build");
		build = json_set_str(build, "state", "failed");
		build = json_set_str(build, "error", DIED);
		build = json_set(build, "finished_at", job_stamp(stamp_now()));
		steps = json_get(&state, "steps");
		e.ended = jv_array();
		json_each(&steps, end_step, &e);
		jv_free(steps);
		state = json_set(state, "steps", e.ended);
		state = json_set(state, "build", build);
		job_write(j, id, jv_copy(state));
		job_clean(j, id);
	}
	close(fd);
	return state;
}

void
job_cancel(const struct job_dir *j, const char *id)
{
	char path[NAME_SIZE];
	int fd = openat(j->fd, name(path, id, "cancel"),
	    O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		fail(path);
	close(fd);
}

bool
job_cancelled(const struct job_dir *j, const char *id)
{
	char path[NAME_SIZE];

	return faccessat(j->fd, name(path, id, "cancel"), F_OK, 0) == 0;
}

int
job_log(const struct job_dir *j, const char *id, const char *step, int flags)
{
	char path[NAME_SIZE], file[24];

	snprintf(file, sizeof(file), "%s.log", step);
	return openat(j->fd, name(path, id, file), flags | O_CLOEXEC, 0600);
}

static void
remove_all(const char *path)
{
	/* A Go module cache is made of directories nobody may write. */
	const char *const open_up[] = { "chmod", "-R", "u+rwX", "--", path,
		NULL };
	const char *const rm[] = { "rm", "-rf", "--", path, NULL };
	struct stat st;
	pid_t pid;

	if (lstat(path, &st) == -1)
		return;
	if ((pid = child_start(open_up, NULL, NULL)) != -1)
		waitpid(pid, NULL, 0);
	if ((pid = child_start(rm, NULL, NULL)) != -1)
		waitpid(pid, NULL, 0);
}

void
job_clean(const struct job_dir *j, const char *id)
{
	static const char *const made[] = { "work", "home", "tmp" };
	char *path;

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		path = xasprintf("%s/%s/%s", j->path, id, made[i]);
		remove_all(path);
		free(path);
	}
}

/* The next number, under the lock of the directory. */
static int64_t
take_number(const struct job_dir *j)
{
	char text[24] = "";
	int64_t number;
	ssize_t n;
	int fd = openat(j->fd, "last", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1 || (n = pread(fd, text, sizeof(text) - 1, 0)) == -1)
		fail("last");
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	number = strtonum(text, 1, INT64_MAX - 1, NULL) + 1;
	n = snprintf(text, sizeof(text), "%" PRId64 "\n", number);
	if (pwrite(fd, text, (size_t)n, 0) != n || fsync(fd) == -1)
		fail("last");
	close(fd);
	return number;
}

static void
sync_directory(const struct job_dir *j, const char *dir)
{
	int fd = openat(j->fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || fsync(fd) == -1)
		fail(dir);
	close(fd);
}

/* Leave the terminal and the pipes that this process came with. */
static void
detach(const struct job_dir *j, const char *dir)
{
	char path[NAME_SIZE];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), log;

	log = openat(j->fd, name(path, dir, "runner.log"),
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (null == -1 || log == -1 || dup2(null, 0) == -1 ||
	    dup2(null, 1) == -1 || dup2(log, 2) == -1 || setsid() == -1)
		fail(path);
	signal(SIGPIPE, SIG_IGN);
}

/* Close all files but the first three and two more. */
static void
close_others(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	if (low > 3)
		close_range(3, (unsigned)low - 1, 0);
	if (high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, UINT_MAX, 0);
}

/* An empty directory that is no build yet, instead of one left behind. */
static void
make_directory(const struct job_dir *j, const char *dir)
{
	char *path;

	path = xasprintf("%s/%s", j->path, dir);
	remove_all(path);
	free(path);
	if (mkdirat(j->fd, dir, 0700) == -1)
		fail(dir);
}

static jv
numbered(const struct job_dir *j, jv state)
{
	jv build = json_get(&state, "build");
	char *number;

	number = xasprintf("%" PRId64, take_number(j));
	build = json_set_str(build, "number", number);
	free(number);
	return json_set(state, "build", build);
}

bool
job_make(const struct job_dir *j, const char *id, const jv *task, jv state,
    void (*run)(const char *id, void *), void *arg)
{
	static const char temp[] = ".new";
	int all = openat(j->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int own, there[2];
	char byte;
	pid_t pid;

	if (all == -1 || flock(all, LOCK_EX) == -1)
		fail(j->path);
	if (job_exists(j, id)) {
		close(all);
		jv_free(state);
		return true;
	}
	make_directory(j, temp);
	put(j, temp, "task.json", jv_copy(*task));
	state = numbered(j, state);
	own = lock_file(j, temp);
	if (!lock(own) || pipe2(there, O_CLOEXEC) == -1)
		fail(temp);

	if ((pid = fork()) == -1)
		err(EX_TEMPFAIL, "fork");
	if (pid == 0) {
		detach(j, temp);
		put(j, temp, "state.json",
		    json_set(state, "pid", jv_number(getpid())));
		sync_directory(j, temp);
		if (renameat(j->fd, temp, j->fd, id) == -1)
			fail(temp);
		sync_directory(j, ".");
		/* Here the build is there, whatever becomes of our maker. */
		close_others(j->fd, own);
		run(id, arg);
		exit(0);
	}
	jv_free(state);
	close(own);
	close(there[1]);
	if (read(there[0], &byte, 1) == -1)
		warn("%s", temp);
	close(there[0]);
	close(all);
	return job_exists(j, id);
}

jv
job_stamp(int64_t ms)
{
	char text[32];

	stamp_write(text, ms);
	return jv_string(text);
}
