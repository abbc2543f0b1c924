/* SPDX-License-Identifier: ISC */
/* A filter that outlives what time may cure. */
#include <sys/mman.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/child.h"
#include "flow/filter.h"
#include "flow/hold.h"

#define LONGEST 30 /* seconds between two tries */
#define KILLED 128 /* and the signal's number */

/* Write all of it; false if that failed. */
static bool
put(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		text += n;
		length -= (size_t)n;
	}
	return true;
}

/* Make the text what a program will read from its standard input. */
static bool
be_stdin(const char *text, size_t length)
{
	int fd = memfd_create("held", MFD_CLOEXEC);
	bool done = fd != -1 && put(fd, text, length) &&
	    lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, STDIN_FILENO) != -1;

	if (!done)
		warn("what is held");
	if (fd != -1)
		close(fd);
	return done;
}

/* Run the filter on the text; what it writes is added to out. */
static int
attempt(const char *const argv[], const char *text, size_t length,
    struct bytes *out)
{
	struct pollfd p = { .events = POLLIN };
	int status;
	pid_t pid;

	if (!be_stdin(text, length) ||
	    (pid = child_start(argv, NULL, &p.fd)) == -1)
		return EX_TEMPFAIL;
	while (poll(&p, 1, -1) == -1 || bytes_read(out, p.fd) != 0)
		continue;
	close(p.fd);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			err(EX_OSERR, "%s", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   KILLED + WTERMSIG(status);
}

/* May the same lines do better later? */
static bool
passing(int status, const struct bytes *out)
{
	switch (status) {
	case EX_TEMPFAIL: /* with output: all was done, some of it put off */
		return out->length == 0;
	case EX_NOINPUT:
	case EX_OSERR:
	case EX_CONFIG:
		return true;
	default:
		return status > KILLED;
	}
}

/* Run the filter until it has done its work; returns 0 or 1. */
static int
insist(const char *const argv[], const char *text, size_t length)
{
	struct bytes out = { 0 };
	unsigned int wait = 1;
	int status;

	while (passing(status = attempt(argv, text, length, &out), &out)) {
		warnx("%s ended with %d; its lines are held, and tried again"
		      " in %u s",
		    argv[0], status, wait);
		bytes_drop(&out, out.length);
		sleep(wait);
		wait = wait * 2 < LONGEST ? wait * 2 : LONGEST;
	}
	if (status != 0 && status != 1 && status != EX_TEMPFAIL)
		errx(status, "%s ended with %d", argv[0], status);
	if (!put(STDOUT_FILENO, out.text, out.length))
		err(EX_IOERR, "stdout");
	bytes_free(&out);
	return status == 1;
}

/*
 * The length of the complete lines that the bytes begin with, no more than
 * one batch: what a filter has written before it ends is then of all of them.
 */
static size_t
lines(const struct bytes *b)
{
	const char *end = memrchr(
	    b->text, '\n', b->length < FILTER_BATCH ? b->length : FILTER_BATCH);

	if (end == NULL)
		end = memchr(b->text, '\n', b->length);
	return end == NULL ? 0 : (size_t)(end - b->text) + 1;
}

int
hold_run(const char *const argv[])
{
	int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), status;
	struct bytes held = { 0 }, none = { 0 };
	bool rejected = false;
	ssize_t n = -1;

	if (in == -1)
		err(EX_IOERR, "stdin");
	if ((status = attempt(argv, "", 0, &none)) != 0)
		errx(status, "%s ended with %d", argv[0], status);
	do {
		struct pollfd p = { in, POLLIN, 0 };
		size_t length;

		if (poll(&p, 1, -1) == -1 || (n = bytes_read(&held, in)) == -1)
			continue;
		if (n == 0 && held.length > 0)
			bytes_add(&held, "\n", 1);
		while (held.length > 0 && (length = lines(&held)) > 0) {
			if (insist(argv, held.text, length) != 0)
				rejected = true;
			bytes_drop(&held, length);
		}
	} while (n != 0);
	bytes_free(&held);
	return rejected;
}
