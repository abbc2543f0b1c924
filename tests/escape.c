/* SPDX-License-Identifier: ISC */
/* Preloaded: once a tool is in its sandbox, try to get out, and tell. */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* $ESCAPE is a directory that is none of the tool's. */
static char outside[256], probe[300];

static const char *
in(const char *name)
{
	snprintf(probe, sizeof(probe), "%s/%s", outside, name);
	return probe;
}

static void
tried(const char *what, long result)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s %s\n",
	    result == -1 ? "denied" : "ESCAPED", what);

	if (write(STDERR_FILENO, line, (size_t)n) != n)
		abort();
}

/* Another program, from a child, that the tool may live. */
static long
run(int how)
{
	char *argv[] = { "true", NULL }, *envp[] = { NULL };
	int status = 0, fd;
	pid_t pid = fork();

	if (pid == -1)
		return -1;
	if (pid == 0) {
		if (how == 0)
			execve("/bin/true", argv, envp);
		else if (how == 1)
			syscall(
			    SYS_execveat, AT_FDCWD, "/bin/true", argv, envp, 0);
		else {
			fd = (int)syscall(SYS_memfd_create, "x", 0);
			syscall(
			    SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
			_exit(errno == ENOEXEC ? 0 : 1);
		}
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void
try_all(void)
{
	static int done;
	const char *directory = getenv("ESCAPE");
	struct open_how how = { .flags = O_RDONLY };
	char name[300];

	if (done || directory == NULL)
		return;
	done = 1;
	snprintf(outside, sizeof(outside), "%s", directory);
	tried("open a file", open(in("secret"), O_RDONLY));
	tried("open it by openat2",
	    syscall(SYS_openat2, AT_FDCWD, in("secret"), &how, sizeof(how)));
	tried("open the passwords", open("/etc/shadow", O_RDONLY));
	tried("list a directory", open(outside, O_RDONLY | O_DIRECTORY));
	tried("read its environment", open("/proc/self/environ", O_RDONLY));
	tried("write a file", open(in("secret"), O_WRONLY));
	tried("make a file", open(in("new"), O_CREAT | O_WRONLY, 0600));
	tried("make a directory", mkdir(in("newdir"), 0700));
	tried("make a link", symlink("/", in("newlink")));
	tried("remove a file", unlink(in("spare")));
	snprintf(name, sizeof(name), "%s", in("other"));
	tried("rename a file", rename(name, in("renamed")));
	tried("run a program", run(0));
	tried("run one by execveat", run(1));
	tried("run one from memory", run(2));
	tried("open a socket", socket(AF_INET, SOCK_STREAM, 0));
	tried("one of version 6", socket(AF_INET6, SOCK_DGRAM, 0));
	tried("a local one", socket(AF_UNIX, SOCK_STREAM, 0));
	tried("one to the kernel", socket(AF_NETLINK, SOCK_RAW, 0));
}

/* A filter's first look at what a stranger sent. */
ssize_t
read(int fd, void *buf, size_t n)
{
	static ssize_t (*real)(int, void *, size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "read");
	if (fd == STDIN_FILENO)
		try_all();
	return real(fd, buf, n);
}

/* The end of a tool that reads nothing but the database. */
int
sqlite3_close(void *db)
{
	static int (*real)(void *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "sqlite3_close");
	try_all();
	return real(db);
}
