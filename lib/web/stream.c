/* SPDX-License-Identifier: ISC */
/* The lines of a program, as a WebSocket or as the body of a reply. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "web/stream.h"
#include "web/ws.h"

#define STREAM_TIME 30000 /* ms to a Ping, or to the end of a stuck reader */
#define CLOSE_TIME 5000
#define ANNOUNCE_TIME 10000
#define STREAM_AHEAD (256 * 1024) /* queued for a slow reader */
#define LINE_MAX_SIZE (1024 * 1024)

struct stream {
	struct stream_kind kind;
	uint64_t number;
	int fd;
	struct ws *ws; /* NULL for a body, which is in: */
	char *head; /* to be sent before all */
	struct bytes out;
	int64_t moved; /* when bytes of it last left, or began to wait */
	int feed; /* -1 when the program has said all */
	pid_t feeder; /* 0 when it is no more */
	int status; /* how it ended, as wait(2) tells */
	struct bytes lines;
	int64_t deadline;
	enum { ASKED, OPEN, LAST, CLOSING, BROKEN, REFUSED } phase;
	int code; /* of the Close, after the LAST lines */
};

/* Send the head: from now on it is a stream. */
static void
open_stream(struct stream *s)
{
	ssize_t length = (ssize_t)strlen(s->head);

	s->moved = clock_ticks();
	s->deadline = s->moved + STREAM_TIME;
	s->phase = OPEN;
	if (send(s->fd, s->head, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    length)
		s->phase = BROKEN;
}

struct stream *
stream_new(struct stream_kind kind, int fd, const char *head, const char *early,
    size_t length, const char *const argv[], uint64_t number)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->head = xstrdup(head);
	if ((s->feeder = child_start(argv, NULL, &s->feed)) == -1) {
		free(s->head);
		free(s);
		return NULL;
	}
	s->kind = kind;
	s->number = number;
	s->fd = fd;
	if (kind.form == STREAM_WS)
		s->ws = ws_new(fd, early, length);
	if (kind.announced)
		s->deadline = clock_ticks() + ANNOUNCE_TIME;
	else
		open_stream(s);
	return s;
}

static void
tell(const struct stream *s, const char *what)
{
	warnx("%llu: %s", (unsigned long long)s->number, what);
}

static void
stop_feeder(struct stream *s)
{
	if (s->feed != -1)
		close(s->feed);
	s->feed = -1;
	if (s->feeder > 0) {
		kill(s->feeder, SIGKILL);
		waitpid(s->feeder, NULL, 0);
	}
	s->feeder = 0;
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	stop_feeder(s);
	ws_free(s->ws);
	bytes_free(&s->out);
	bytes_free(&s->lines);
	free(s->head);
	free(s);
}

int
stream_refusal(const struct stream *s)
{
	return s->feeder == 0 && WIFEXITED(s->status) ? WEXITSTATUS(s->status) :
							-1;
}

static void
add(struct stream *s, const char *text, size_t length)
{
	if (s->out.length == 0)
		s->moved = clock_ticks();
	bytes_add(&s->out, text, length);
}

/* Whole lines on their way. */
static void
pass_on(struct stream *s, size_t whole)
{
	size_t offset = 0, length;
	const char *text;
	char size[32];

	switch (s->kind.form) {
	case STREAM_WS:
		while ((text = bytes_line(&s->lines, &offset, &length)) != NULL)
			ws_text(s->ws, text, length);
		break;
	case STREAM_CHUNKS:
		snprintf(size, sizeof(size), "%zx\r\n", whole);
		add(s, size, strlen(size));
		add(s, s->lines.text, whole);
		add(s, "\r\n", 2);
		break;
	case STREAM_BARE:
		add(s, s->lines.text, whole);
	}
	bytes_drop(&s->lines, whole);
}

static void
close_now(struct stream *s)
{
	stop_feeder(s);
	s->phase = CLOSING;
	s->deadline = clock_ticks() + CLOSE_TIME;
	ws_close(s->ws, s->code, s->code == 1000 ? s->kind.complete : NULL);
}

void
stream_close(struct stream *s, int code)
{
	if (s->phase == CLOSING || s->phase == BROKEN)
		return;
	s->code = code;
	if (s->ws != NULL && s->phase != ASKED)
		close_now(s);
	else
		s->phase = BROKEN; /* so that it is not taken for whole */
}

/*
 * The program has said all, and its end is known unless we give it up.  What
 * it said is sent before the Close, which would overtake it in the queue.
 */
static void
conclude(struct stream *s)
{
	bool well =
	    s->feeder == 0 && s->status == 0 && s->kind.complete != NULL;

	if (s->phase == ASKED) {
		s->phase = REFUSED;
		return;
	}
	s->code = well ? 1000 : 1011;
	if (!well)
		tell(s, "streamer ended");
	stop_feeder(s);
	s->phase = LAST;
	s->deadline = 0; /* now, whatever is polled for */
	if (s->kind.form == STREAM_CHUNKS && well)
		add(s, "0\r\n\r\n", 5);
}

void
stream_exited(struct stream *s, int pid, int status)
{
	if (s->feeder != pid)
		return;
	s->feeder = 0;
	s->status = status;
	if (s->feed == -1 && (s->phase == ASKED || s->phase == OPEN))
		conclude(s);
}

/* Is the first line here, that says that all is well? */
static void
announce(struct stream *s)
{
	const char *lf = memchr(s->lines.text, '\n', s->lines.length);

	if (lf == NULL)
		return;
	bytes_drop(&s->lines, (size_t)(lf + 1 - s->lines.text));
	open_stream(s);
}

static void
read_lines(struct stream *s)
{
	ssize_t n = bytes_read(&s->lines, s->feed);
	const char *lf;

	if (n == -1)
		return;
	if (n > 0) {
		if (s->phase == ASKED)
			announce(s);
		lf = s->phase == ASKED ?
		    NULL :
		    memrchr(s->lines.text, '\n', s->lines.length);
		if (lf != NULL)
			pass_on(s, (size_t)(lf + 1 - s->lines.text));
		if (s->lines.length > LINE_MAX_SIZE)
			conclude(s);
		return;
	}
	close(s->feed);
	s->feed = -1;
	if (s->feeder == 0 || s->kind.complete == NULL)
		conclude(s);
	else
		s->deadline = clock_ticks() + CLOSE_TIME;
}

static bool
is_stuck(const struct stream *s)
{
	return s->ws != NULL ? (ws_events(s->ws) & POLLOUT) != 0 :
			       s->out.length > 0;
}

static bool
flush_ws(struct stream *s)
{
	bool open = ws_run(s->ws);

	if (open && s->phase == LAST && !is_stuck(s)) {
		close_now(s);
		open = ws_run(s->ws);
	}
	s->moved = ws_moved(s->ws);
	return open;
}

static bool
flush_body(struct stream *s)
{
	ssize_t n;

	if (s->out.length > 0) {
		n = send(s->fd, s->out.text, s->out.length,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0) {
			bytes_drop(&s->out, (size_t)n);
			s->moved = clock_ticks();
		}
	}
	if (s->phase == OPEN || s->out.length > 0)
		return true;
	if (s->code != 1000)
		s->phase = BROKEN; /* so that it is not taken for whole */
	return false;
}

/* It is time: for a Ping, or to give up. */
static void
on_deadline(struct stream *s)
{
	if (s->phase == CLOSING)
		s->phase = BROKEN;
	else if (s->phase == ASKED || (s->phase == OPEN && s->feed == -1))
		conclude(s);
	else if (is_stuck(s) && s->moved + STREAM_TIME <= clock_ticks()) {
		tell(s, "reader stuck");
		s->phase = BROKEN;
	} else if (s->phase == LAST)
		return;
	else if (s->ws != NULL)
		ws_ping(s->ws);
	else
		s->moved = clock_ticks();
}

void
stream_poll(const struct stream *s, struct pollfd fds[STREAM_FDS])
{
	bool full = s->out.length > STREAM_AHEAD ||
	    (s->ws != NULL && ws_waiting(s->ws) > STREAM_AHEAD);
	short events = s->phase == ASKED ? 0 :
	    s->ws != NULL		 ? ws_events(s->ws) :
	    s->out.length > 0		 ? POLLOUT :
					   0;

	fds[0] = (struct pollfd){ s->fd, events, 0 };
	fds[1] = (struct pollfd){ full ? -1 : s->feed, POLLIN, 0 };
}

int64_t
stream_deadline(const struct stream *s)
{
	return s->phase == BROKEN || s->phase == REFUSED ? 0 : s->deadline;
}

enum stream_state
stream_run(struct stream *s, const struct pollfd fds[STREAM_FDS])
{
	if (fds[1].revents != 0 && s->feed != -1)
		read_lines(s);
	if ((fds[0].revents & (POLLERR | POLLHUP)) != 0)
		s->phase = BROKEN;
	if (s->phase != BROKEN && s->deadline <= clock_ticks())
		on_deadline(s);
	if (s->phase == BROKEN)
		return STREAM_BROKEN;
	if (s->phase == REFUSED)
		return STREAM_REFUSED;
	if (s->phase == ASKED)
		return STREAM_OPEN;
	if (!(s->ws != NULL ? flush_ws(s) : flush_body(s)))
		return s->phase == BROKEN ? STREAM_BROKEN : STREAM_ENDED;
	if (s->phase == LAST || (s->phase == OPEN && s->feed != -1))
		s->deadline = s->moved + STREAM_TIME;
	return STREAM_OPEN;
}
