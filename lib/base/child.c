/* SPDX-License-Identifier: ISC */
/* Programs to run, with pipes to them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/err.h>

#include "base/child.h"
#include "base/mem.h"
#include "base/share.h"

extern char **environ;

static int
pipes(int to[2], int from[2])
{
	to[0] = to[1] = from[0] = from[1] = -1;
	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1)
		return -1;
	if (fcntl(to[1], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(from[0], F_SETFL, O_NONBLOCK) == -1)
		return -1;
	return 0;
}

static void
drop(int fd)
{
	if (fd != -1)
		close(fd);
}

/*
 * Look first beside the running binary: inetd gives a meagre PATH.  PATH is
 * the process's, so it is known here whether this was done.
 */
static void
extend_path(void)
{
	static bool done;
	const char *path = getenv("PATH");
	char *self, *longer;

	if (done)
		return;
	done = true;
	if ((self = share_bin()) == NULL)
		return;
	if (path == NULL || *path == '\0')
		path = "/usr/bin:/bin";
	longer = xasprintf("%s:%s", self, path);
	if (setenv("PATH", longer, 1) == -1)
		mem_refused();
	free(longer);
	free(self);
}

pid_t
child_start(const char *const argv[], int *in, int *out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid = -1;
	int to[2], from[2], error;

	extend_path();
	if (posix_spawn_file_actions_init(&actions) != 0 ||
	    posix_spawnattr_init(&attr) != 0)
		mem_refused();
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	sigaddset(&set, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &set);

	error = pipes(to, from) == -1 ? errno : 0;
	if (in != NULL)
		posix_spawn_file_actions_adddup2(&actions, to[0], 0);
	if (out != NULL)
		posix_spawn_file_actions_adddup2(&actions, from[1], 1);
	if (error == 0)
		error = posix_spawnp(&pid, argv[0], &actions, &attr,
		    (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	drop(to[0]);
	drop(from[1]);
	if (error == 0 && in != NULL)
		*in = to[1];
	else
		drop(to[1]);
	if (error == 0 && out != NULL)
		*out = from[0];
	else
		drop(from[0]);
	if (error != 0) {
		warnc(error, "%s", argv[0]);
		errno = error;
		return -1;
	}
	return pid;
}
