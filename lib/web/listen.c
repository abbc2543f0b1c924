/* SPDX-License-Identifier: ISC */
/* The socket a server was started with, or is told to make. */
#include <sys/socket.h>
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "base/child.h"
#include "base/mem.h"
#include "base/setting.h"
#include "web/listen.h"

#define PASSED 3 /* sd_listen_fds(3) */

static int
try_at(const struct addrinfo *ai)
{
	int fd, on = 1, off = 0;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, SOMAXCONN) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
at(const char *address, const char *what, int status)
{
	/* A socket for every address of version 6 takes version 4 as well. */
	static const int families[] = { AF_INET6, AF_INET };
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *ai;
	const char *error, *port = strrchr(address, ':');
	char *host;
	size_t n;
	int fd = -1, known = 0;

	if (port == NULL)
		errx(status, "%s: %s: not address:port", what, address);
	strtonum(port + 1, 0, 65535, &error);
	n = (size_t)(port - address);
	if (error != NULL)
		errx(status, "%s: %s: port is %s", what, address, error);
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']')
		host = xstrndup(address + 1, n - 2);
	else
		host = xstrndup(address, n);

	hints.ai_flags = AI_PASSIVE;
	for (size_t i = 0; i < 2 && fd == -1; i++) {
		hints.ai_family = families[i];
		if (getaddrinfo(*host == '\0' ? NULL : host, port + 1, &hints,
			&list) != 0)
			continue;
		known = 1;
		for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next)
			fd = try_at(ai);
		freeaddrinfo(list);
	}
	free(host);
	if (!known)
		errx(status, "%s: %s: not an address", what, address);
	if (fd == -1)
		err(EX_UNAVAILABLE, "%s", address);
	return fd;
}

/* The descriptor systemd passed, or -1; what says so is forgotten. */
static int
passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	bool ours = pid != NULL && fds != NULL &&
	    strtonum(pid, 1, INT32_MAX, NULL) == getpid();

	if (ours && strcmp(fds, "1") != 0)
		errx(EX_CONFIG, "one socket can be served, not %s", fds);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ours ? PASSED : -1;
}

static bool
is_socket(int fd, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISSOCK(st->st_mode);
}

/* Under inetd stderr is the client: let logger(1) have what we say. */
static void
redirect(int fd)
{
	static const char *const logger[] = { "logger", "-t", "tack-http",
		NULL };
	struct stat mine, theirs;
	int null, log = -1;

	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		err(EX_OSERR, "/dev/null");
	dup2(null, 0);
	dup2(null, 1);
	if (is_socket(fd, &mine) && is_socket(2, &theirs) &&
	    mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino) {
		dup2(null, 2);
		if (child_start(logger, &log, NULL) != -1) {
			dup2(log, 2);
			close(log);
		}
	}
	close(null);
}

int
listen_find(const char *address)
{
	struct stat st;
	int fd, null;

	do {
		if ((null = open("/dev/null", O_RDWR)) == -1)
			err(EX_OSERR, "/dev/null");
	} while (null <= 2);
	close(null);

	if ((fd = passed()) == -1 && address != NULL)
		fd = at(address, "-l", EX_USAGE);
	if (fd == -1 && is_socket(0, &st))
		fd = 0;
	if (fd == -1 && (address = setting_text("TACK_LISTEN_ADDR")) != NULL)
		fd = at(address, "TACK_LISTEN_ADDR", EX_CONFIG);
	if (fd == -1)
		return -1;
	if (fd == 0 && (fd = fcntl(0, F_DUPFD_CLOEXEC, 3)) == -1)
		err(EX_OSERR, "stdin");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		err(EX_USAGE, "descriptor %d", fd);
	redirect(fd);
	return fd;
}

bool
listen_is(int fd)
{
	int on = 0;
	socklen_t size = sizeof(on);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == -1)
		err(EX_USAGE, "descriptor %d", fd);
	return on != 0;
}

void
listen_tell(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&address, &size) == -1 ||
	    getnameinfo((struct sockaddr *)&address, size, host, sizeof(host),
		port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	if (address.ss_family == AF_INET6)
		warnx("listening on [%s]:%s", host, port);
	else if (address.ss_family == AF_INET)
		warnx("listening on %s:%s", host, port);
}
