/* SPDX-License-Identifier: ISC */
/* How a build of the embedded CI comes to be. */
#include <sys/stat.h>

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/err.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/mem.h"
#include "data/json.h"
#include "local/index.h"
#include "local/job.h"
#include "local/make.h"

/* The next number, under the lock of the directory. */
static int64_t
take_number(const struct dir *j)
{
	char text[24] = "";
	int64_t number;
	ssize_t n;
	int fd = openat(j->fd, "last", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1 || (n = pread(fd, text, sizeof(text) - 1, 0)) == -1)
		dir_fail("last");
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	number = strtonum(text, 1, INT64_MAX - 1, NULL) + 1;
	n = snprintf(text, sizeof(text), "%" PRId64 "\n", number);
	if (pwrite(fd, text, (size_t)n, 0) != n || fsync(fd) == -1)
		dir_fail("last");
	close(fd);
	return number;
}

static void
sync_directory(const struct dir *j, const char *dir)
{
	int fd = openat(j->fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || fsync(fd) == -1)
		dir_fail(dir);
	close(fd);
}

/* Leave the terminal and the pipes that this process came with. */
static void
detach(const struct dir *j, const char *dir)
{
	char path[DIR_NAME];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), log;

	log = openat(j->fd, dir_name(path, dir, "runner.log"),
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (null == -1 || log == -1 || dup2(null, 0) == -1 ||
	    dup2(null, 1) == -1 || dup2(log, 2) == -1 || setsid() == -1)
		dir_fail(path);
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
make_directory(const struct dir *j, const char *dir)
{
	job_remove(j, dir);
	if (mkdirat(j->fd, dir, 0700) == -1)
		dir_fail(dir);
}

static jv
numbered(const struct dir *j, jv state)
{
	jv build = json_get(&state, "build");
	char *number;

	number = xasprintf("%" PRId64, take_number(j));
	build = json_set_str(build, "number", number);
	free(number);
	return json_set(state, "build", build);
}

bool
make_build(const struct dir *j, const char *id, const jv *task, jv state,
    void (*body)(const char *id, void *), void *arg)
{
	static const char temp[] = ".new";
	int all = dir_lock(j, true), own, there[2];
	char byte;
	pid_t pid;

	if (dir_exists(j, id)) {
		close(all);
		jv_free(state);
		return true;
	}
	make_directory(j, temp);
	if (!job_put(j, temp, "task.json", jv_copy(*task)))
		dir_fail(temp);
	job_reserve(j, temp);
	state = numbered(j, state);
	own = job_lock(j, temp);
	if (own == -1 || pipe2(there, O_CLOEXEC) == -1)
		dir_fail(temp);

	index_add(j, id);
	sync_directory(j, "open");
	if ((pid = fork()) == -1)
		err(EX_TEMPFAIL, "fork");
	if (pid == 0) {
		detach(j, temp);
		if (!job_put(j, temp, "state.json",
			json_set(state, "pid", jv_number(getpid()))))
			dir_fail(temp);
		sync_directory(j, temp);
		if (renameat(j->fd, temp, j->fd, id) == -1)
			dir_fail(temp);
		sync_directory(j, ".");
		/* Here the build is there, whatever becomes of our maker. */
		close_others(j->fd, own);
		body(id, arg);
		exit(0);
	}
	jv_free(state);
	close(own);
	close(there[1]);
	if (read(there[0], &byte, 1) == -1)
		warn("%s", temp);
	close(there[0]);
	close(all);
	return dir_exists(j, id);
}
