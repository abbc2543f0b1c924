/* SPDX-License-Identifier: ISC */
/* The lines of a program as the body of a reply. */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "web/listing.h"
#include "web/reader.h"

#define STUCK_TIME 30000 /* ms without a byte taken, to the end */
#define CLOSE_TIME 5000 /* ms from the program's last word to its end */
#define ANNOUNCE_TIME 10000 /* ms for the program to say that all is well */
#define AHEAD (256 * 1024) /* queued for a slow peer */

struct listing {
	uint64_t number;
	int fd;
	bool chunks;
	char *head; /* NULL once it was sent */
	char **argv; /* NULL once it was started */
	int64_t since; /* it waits for that */
	struct reader reader;
	struct bytes out;
	int64_t moved; /* when bytes last left, or began to wait */
	int64_t closed; /* when the program had said all, or 0 */
	bool over, well; /* all is in out, and it is whole */
	int status; /* of the program, if it had nothing to tell */
};

struct listing *
listing_new(int fd, const char *head, bool chunks, const char *const argv[],
    uint64_t number)
{
	struct listing *l = xcalloc(1, sizeof(*l));
	size_t n = 0;

	while (argv[n] != NULL)
		n++;
	l->argv = xcalloc(n + 1, sizeof(*l->argv));
	for (size_t i = 0; i < n; i++)
		l->argv[i] = xstrdup(argv[i]);
	l->number = number;
	l->fd = fd;
	l->head = xstrdup(head);
	l->chunks = chunks;
	l->reader = READER_NONE;
	l->since = clock_ticks();
	return l;
}

static void
forget_argv(struct listing *l)
{
	for (size_t i = 0; l->argv != NULL && l->argv[i] != NULL; i++)
		free(l->argv[i]);
	free(l->argv);
	l->argv = NULL;
}

void
listing_free(struct listing *l)
{
	if (l == NULL)
		return;
	forget_argv(l);
	reader_stop(&l->reader);
	bytes_free(&l->out);
	free(l->head);
	free(l);
}

int
listing_refusal(const struct listing *l)
{
	return l->status;
}

int64_t
listing_waits(const struct listing *l)
{
	return l->argv != NULL ? l->since : INT64_MAX;
}

static void
tell(const struct listing *l, const char *what)
{
	warnx("%llu: %s", (unsigned long long)l->number, what);
}

static void
add(struct listing *l, const char *text, size_t length)
{
	if (l->out.length == 0)
		l->moved = clock_ticks();
	bytes_add(&l->out, text, length);
}

/* The program is no more, or too late. */
static void
conclude(struct listing *l, bool well)
{
	l->status = reader_status(&l->reader);
	reader_stop(&l->reader);
	l->over = true;
	l->well = well;
	if (l->head != NULL)
		return;
	if (!well)
		tell(l, "streamer ended");
	else if (l->chunks)
		add(l, "0\r\n\r\n", 5);
}

void
listing_start(struct listing *l)
{
	if (!reader_start(&l->reader, (const char *const *)l->argv)) {
		l->reader.status = -1;
		conclude(l, false);
	}
	forget_argv(l);
}

static void
see_end(struct listing *l)
{
	enum reader_end how = reader_ended(&l->reader);

	if (l->argv != NULL || l->over || l->reader.fd != -1)
		return;
	if (l->closed == 0)
		l->closed = clock_ticks();
	if (how != READER_GOES_ON)
		conclude(l, how == READER_WELL);
	else if (l->closed + CLOSE_TIME <= clock_ticks())
		conclude(l, false);
}

void
listing_exited(struct listing *l, pid_t pid, int status)
{
	if (reader_exited(&l->reader, pid, status))
		see_end(l);
}

static void
read_lines(struct listing *l)
{
	size_t whole;
	char size[32];

	reader_read(&l->reader);
	if (l->head != NULL && reader_lines(&l->reader) > 0) {
		const char *lf =
		    memchr(l->reader.bytes.text, '\n', l->reader.bytes.length);

		bytes_drop(
		    &l->reader.bytes, (size_t)(lf + 1 - l->reader.bytes.text));
		add(l, l->head, strlen(l->head));
		free(l->head);
		l->head = NULL;
	}
	if ((whole = reader_lines(&l->reader)) == 0)
		return;
	if (l->chunks) {
		snprintf(size, sizeof(size), "%zx\r\n", whole);
		add(l, size, strlen(size));
	}
	add(l, l->reader.bytes.text, whole);
	if (l->chunks)
		add(l, "\r\n", 2);
	bytes_drop(&l->reader.bytes, whole);
}

void
listing_poll(const struct listing *l, struct pollfd fds[STREAM_FDS])
{
	bool full = l->out.length > AHEAD;

	fds[0] = (struct pollfd){ l->fd,
		(short)(POLLRDHUP | (l->out.length > 0 ? POLLOUT : 0)), 0 };
	fds[1] = (struct pollfd){ full ? -1 : l->reader.fd, POLLIN, 0 };
}

int64_t
listing_deadline(const struct listing *l)
{
	if (l->over && l->out.length == 0)
		return 0;
	if (l->head != NULL)
		return l->since + ANNOUNCE_TIME;
	if (l->closed != 0 && !l->over)
		return l->closed + CLOSE_TIME;
	return l->out.length > 0 ? l->moved + STUCK_TIME : INT64_MAX;
}

enum stream_state
listing_run(struct listing *l, const struct pollfd fds[STREAM_FDS])
{
	ssize_t n;

	if ((fds[0].revents & (POLLERR | POLLHUP | POLLRDHUP)) != 0)
		return STREAM_BROKEN;
	if (fds[1].revents != 0)
		read_lines(l);
	see_end(l);
	if (l->head != NULL && !l->over &&
	    l->since + ANNOUNCE_TIME <= clock_ticks())
		conclude(l, false);
	if (l->head != NULL)
		return l->over ? STREAM_REFUSED : STREAM_OPEN;
	if (l->out.length > 0) {
		n = send(l->fd, l->out.text, l->out.length,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return STREAM_BROKEN;
		if (n > 0) {
			bytes_drop(&l->out, (size_t)n);
			l->moved = clock_ticks();
		}
	}
	if (l->out.length > 0 && l->moved + STUCK_TIME <= clock_ticks()) {
		tell(l, "reader stuck");
		return STREAM_BROKEN;
	}
	if (!l->over || l->out.length > 0)
		return STREAM_OPEN;
	/* What is not whole must not be taken for whole. */
	return l->well ? STREAM_ENDED : STREAM_BROKEN;
}
