/* SPDX-License-Identifier: ISC */
/* What is out of reach in the sandbox, tried in children. */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "tap.h"

static char directory[] = "/tmp/tack-sandbox.XXXXXX";
static char file[64], other[64];

/* errno of the attempt in a sandboxed child, 0 if it works. */
static int
attempt(int (*act)(void), const char *access, int denied)
{
	int status;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		sandbox_path(NULL, "r");
		sandbox_path("/does/not/exist", "rw");
		if (strcmp(access, "database") == 0)
			sandbox_database(file);
		else if (*access != '\0')
			sandbox_path(directory, access);
		sandbox(denied);
		errno = 0;
		_exit(act() == -1 ? errno : 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int
do_exec(void)
{
	char *argv[] = { NULL };

	return execve("/bin/true", argv, argv);
}

static int
do_execveat(void)
{
	char *argv[] = { NULL };

	return (int)syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, argv, 0);
}

static int
do_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
do_uring(void)
{
	return (int)syscall(SYS_io_uring_setup, 0, NULL);
}

static int
do_read(void)
{
	return open(file, O_RDONLY);
}

static int
do_write(void)
{
	return open(file, O_WRONLY | O_TRUNC);
}

static int
do_make(void)
{
	int fd = open(other, O_CREAT | O_EXCL | O_RDWR, 0600);

	return fd == -1 ? -1 : unlink(other);
}

static int
do_passwd(void)
{
	return open("/etc/passwd", O_RDONLY);
}

int
main(void)
{
	bool landlock =
	    syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1U) > 0;
	FILE *f;

	if (mkdtemp(directory) == NULL)
		return 1;
	snprintf(file, sizeof(file), "%s/file", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	if ((f = fopen(file, "w")) == NULL)
		return 1;
	fputs("x", f);
	fclose(f);

	is(attempt(do_exec, "", SANDBOX_NO_EXEC), EPERM, "execve is denied");
	is(attempt(do_execveat, "", SANDBOX_NO_EXEC), EPERM,
	    "execveat is denied");
	is(attempt(do_socket, "", SANDBOX_NO_NET), EPERM, "socket is denied");
	is(attempt(do_uring, "", SANDBOX_NO_NET), EPERM, "io_uring is denied");
	is(attempt(do_socket, "", SANDBOX_NO_EXEC), 0,
	    "socket is free without SANDBOX_NO_NET");
	if (landlock) {
		is(attempt(do_read, "", 0), EACCES, "no file is in reach");
		is(attempt(do_read, "r", 0), 0,
		    "what is in reach to read can be read");
		is(attempt(do_write, "r", 0), EACCES, "it cannot be written");
		is(attempt(do_make, "r", 0), EACCES,
		    "nothing can be made beside it");
		is(attempt(do_write, "rw", 0), 0,
		    "what is in reach to write can be written");
		is(attempt(do_make, "rw", 0), 0,
		    "a file can be made and removed there");
		is(attempt(do_passwd, "rw", 0), EACCES,
		    "another directory is out of reach");
		is(attempt(
		       do_make, "database", SANDBOX_NO_EXEC | SANDBOX_NO_NET),
		    0, "a database's directory is in reach");
		is(attempt(
		       do_passwd, "database", SANDBOX_NO_EXEC | SANDBOX_NO_NET),
		    EACCES, "nothing else is beside a database");
	} else
		printf("# no Landlock here\n");
	unlink(file);
	rmdir(directory);
	return done();
}
