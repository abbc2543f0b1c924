/* SPDX-License-Identifier: ISC */
/* The lines of a program, as the texts of a WebSocket. */
#include <sys/wait.h>

#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "bytes.h"
#include "child.h"
#include "stream.h"
#include "ws.h"

#define STREAM_TIME 30000 /* ms to a Ping, or to the end of a stuck reader */
#define CLOSE_TIME 5000
#define STREAM_AHEAD (256 * 1024) /* queued for a slow reader */
#define LINE_MAX_SIZE (1024 * 1024)

struct stream {
	uint64_t number;
	int fd;
	struct ws *ws;
	int feed;
	pid_t feeder;
	struct bytes lines;
	int64_t deadline;
	bool closing;
};

struct stream *
stream_new(int fd, const char *early, size_t length, const char *const argv[],
    uint64_t number)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		err(EX_OSERR, NULL);
	if ((s->feeder = child(argv, NULL, &s->feed)) == -1) {
		free(s);
		return NULL;
	}
	s->number = number;
	s->fd = fd;
	s->ws = ws_new(fd, early, length);
	s->deadline = ws_clock() + STREAM_TIME;
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
	bytes_free(&s->lines);
	free(s);
}

void
stream_close(struct stream *s, int code)
{
	if (s->closing)
		return;
	stop_feeder(s);
	ws_close(s->ws, code);
	s->closing = true;
	s->deadline = ws_clock() + CLOSE_TIME;
}

void
stream_exited(struct stream *s, int pid)
{
	if (s->feeder == pid)
		s->feeder = 0;
}

void
stream_poll(const struct stream *s, struct pollfd fds[STREAM_FDS])
{
	bool full = ws_waiting(s->ws) > STREAM_AHEAD;

	fds[0] = (struct pollfd){ s->fd, ws_events(s->ws), 0 };
	fds[1] = (struct pollfd){ full ? -1 : s->feed, POLLIN, 0 };
}

int64_t
stream_deadline(const struct stream *s)
{
	return s->deadline;
}

/* Lines of the program become texts of the WebSocket. */
static void
read_lines(struct stream *s)
{
	ssize_t n = bytes_read(&s->lines, s->feed);
	size_t offset = 0, length;
	const char *text;

	if (n == -1)
		return;
	while ((text = bytes_line(&s->lines, &offset, &length)) != NULL)
		ws_text(s->ws, text, length);
	bytes_drop(&s->lines, offset);
	if (n == 0 || s->lines.length > LINE_MAX_SIZE) {
		tell(s, "streamer ended");
		stream_close(s, 1011);
	}
}

enum stream_state
stream_run(struct stream *s, const struct pollfd fds[STREAM_FDS])
{
	if (fds[1].revents != 0 && s->feed != -1)
		read_lines(s);
	if ((fds[0].revents & (POLLERR | POLLHUP)) != 0)
		return STREAM_BROKEN;
	if (s->deadline <= ws_clock()) {
		if (s->closing)
			return STREAM_BROKEN;
		if ((ws_events(s->ws) & POLLOUT) != 0) {
			tell(s, "reader stuck");
			return STREAM_BROKEN;
		}
		ws_ping(s->ws);
	}
	if (!ws_run(s->ws))
		return STREAM_ENDED;
	if (!s->closing)
		s->deadline = ws_moved(s->ws) + STREAM_TIME;
	return STREAM_OPEN;
}
