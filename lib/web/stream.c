/* SPDX-License-Identifier: ISC */
/* A subscriber: the lines of a feed by WebSocket. */
#include <sys/socket.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "web/stream.h"
#include "web/ws.h"

#define STREAM_TIME 30000 /* ms to a Ping, or to the end of a stuck reader */
#define CLOSE_TIME 5000
#define AHEAD (256 * 1024) /* queued for one that catches up slowly */
#define ANNOUNCE_TIME 10000 /* for a program to say that all is well */
#define AT_ONCE 65536 /* sent to one before the others have their turn */

/*
 * Who lacks what the feed has not WAITS for its turn, CATCHES_UP by a reader
 * of its own, and SHARES the feed from then on, until it lags.
 */
struct stream {
	uint64_t number;
	int fd;
	char *head; /* NULL once it was sent */
	struct ws *ws;
	struct feed *feed;
	int64_t position; /* of the last line that went out, or is queued */
	struct reader reader;
	enum {
		WAITS,
		CATCHES_UP,
		SHARES,
		LAST,
		CLOSING,
		BROKEN,
		REFUSED
	} phase;
	int64_t since; /* it waits */
	bool moved_on; /* a line has come since it waited */
	bool first; /* the reader's next line says only that all is well */
	bool blocked; /* the feed has more than the socket took */
	int64_t deadline;
	int code; /* of the Close, after the LAST lines */
	int status; /* of the program that had nothing to tell */
};

/* Share the feed if it has all that is lacking, else wait. */
static void
enter(struct stream *s)
{
	s->phase = feed_serves(s->feed, s->position) ? SHARES : WAITS;
	s->since = clock_ticks();
	s->blocked = s->moved_on = false;
}

/* It is known that there is something to tell. */
static void
send_head(struct stream *s)
{
	size_t length = strlen(s->head);
	ssize_t n = send(s->fd, s->head, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n != (ssize_t)length)
		s->phase = BROKEN;
	free(s->head);
	s->head = NULL;
	s->deadline = 0;
}

struct stream *
stream_new(int fd, const char *head, const char *early, size_t length,
    struct feed *feed, int64_t position, uint64_t number)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->number = number;
	s->fd = fd;
	s->head = xstrdup(head);
	s->ws = ws_new(fd, early, length);
	s->feed = feed;
	feed_take(feed);
	s->position = position;
	s->reader = READER_NONE;
	enter(s);
	if (feed_source(feed)->complete == NULL || feed_announced(feed))
		send_head(s);
	else
		s->deadline = clock_ticks() + ANNOUNCE_TIME;
	return s;
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	reader_stop(&s->reader);
	feed_leave(s->feed);
	ws_free(s->ws);
	free(s->head);
	free(s);
}

int
stream_refusal(const struct stream *s)
{
	return s->status;
}

static void
tell(const struct stream *s, const char *what)
{
	warnx("%llu: %s", (unsigned long long)s->number, what);
}

int64_t
stream_waits(const struct stream *s)
{
	return s->phase == WAITS ? s->since : INT64_MAX;
}

static void
close_now(struct stream *s)
{
	const char *why = feed_source(s->feed)->complete;

	reader_stop(&s->reader);
	s->phase = CLOSING;
	s->deadline = clock_ticks() + CLOSE_TIME;
	ws_close(s->ws, s->code, s->code == 1000 ? why : NULL);
}

void
stream_close(struct stream *s, int code)
{
	s->code = code;
	if (s->head != NULL)
		s->phase = BROKEN;
	else if (s->phase != CLOSING && s->phase != BROKEN)
		close_now(s);
}

/* Nothing more comes; what is queued goes before the Close. */
static void
conclude(struct stream *s, int code, const char *what)
{
	if (s->head != NULL) {
		s->phase = REFUSED;
		s->deadline = 0;
		return;
	}
	if (what != NULL)
		tell(s, what);
	reader_stop(&s->reader);
	s->code = code;
	s->phase = LAST;
	s->deadline = 0;
}

static void
conclude_as(struct stream *s, enum reader_end how, int status)
{
	s->status = status;
	if (how == READER_WELL)
		conclude(s, 1000, NULL);
	else
		conclude(s, 1011, "streamer ended");
}

bool
stream_start(struct stream *s)
{
	bool first = feed_source(s->feed)->position == NULL &&
	    !feed_runs(s->feed) && feed_ended(s->feed) == READER_GOES_ON;

	if (first)
		feed_begin(s->feed, s->position);
	if (first || feed_serves(s->feed, s->position)) {
		s->phase = SHARES;
		return first;
	}
	s->phase = CATCHES_UP;
	s->first = feed_source(s->feed)->complete != NULL;
	if (!feed_catch_up(s->feed, &s->reader, s->position))
		conclude_as(s, READER_BADLY, -1);
	return true;
}

/* Its reader has said all. */
static void
see_end(struct stream *s)
{
	enum reader_end how = reader_ended(&s->reader);
	bool moved_on = s->moved_on;

	if (s->phase != CATCHES_UP || s->reader.fd != -1)
		return;
	if (how == READER_GOES_ON) {
		s->deadline = clock_ticks() + CLOSE_TIME;
		return;
	}
	if (how == READER_BADLY || feed_source(s->feed)->position == NULL) {
		conclude_as(s, how, reader_status(&s->reader));
		return;
	}
	reader_stop(&s->reader);
	feed_begin(s->feed, s->position);
	enter(s);
	/* There is nothing to catch up with, and yet it lacks something. */
	if (s->phase == WAITS && !moved_on)
		conclude_as(s, READER_BADLY, -1);
}

void
stream_exited(struct stream *s, pid_t pid, int status)
{
	if (reader_exited(&s->reader, pid, status))
		see_end(s);
}

static void
read_lines(struct stream *s)
{
	const struct feed_source *source = feed_source(s->feed);
	size_t offset = 0, length;
	const char *line;
	int64_t position;

	reader_read(&s->reader);
	while (
	    (line = bytes_line(&s->reader.bytes, &offset, &length)) != NULL) {
		if (s->first) {
			s->first = false;
			if (s->head != NULL)
				send_head(s);
			continue;
		}
		position = source->position == NULL ?
		    s->position + 1 :
		    source->position(line, length);
		if (position <= s->position)
			continue;
		s->position = position;
		s->moved_on = true;
		ws_text(s->ws, line, length);
	}
	bytes_drop(&s->reader.bytes, offset);
	see_end(s);
}

/* It may be sent something: what the feed has for it. */
static void
share(struct stream *s)
{
	const char *frames;
	size_t length, sent;

	if (s->head != NULL && feed_announced(s->feed)) {
		send_head(s);
		return;
	}
	frames = feed_after(s->feed, s->position, &length);
	if (frames == NULL && feed_source(s->feed)->position == NULL)
		conclude(s, 1013, "too slow for a log that is shared");
	else if (frames == NULL)
		enter(s);
	else if (length > 0) {
		sent = ws_frames(
		    s->ws, frames, length < AT_ONCE ? length : AT_ONCE);
		s->blocked = sent < length;
		if (sent > 0)
			s->position = feed_position(s->feed, frames + sent);
	} else if (feed_ended(s->feed) != READER_GOES_ON)
		conclude_as(s, feed_ended(s->feed), feed_status(s->feed));
}

/* Has the peer not taken all that is there for it? */
static bool
is_stuck(const struct stream *s)
{
	return !ws_idle(s->ws) || (s->phase == SHARES && s->blocked);
}

/* May a line of the feed go out at once? */
static bool
has_news(const struct stream *s)
{
	if (s->phase != SHARES)
		return false;
	if (s->head != NULL)
		return feed_announced(s->feed) ||
		    feed_ended(s->feed) != READER_GOES_ON;
	return !s->blocked && ws_idle(s->ws) &&
	    feed_has_news(s->feed, s->position);
}

/* It is time: for a Ping, or to give up. */
static void
on_deadline(struct stream *s)
{
	if (s->phase == CLOSING)
		s->phase = BROKEN;
	else if (s->head != NULL ||
	    (s->phase == CATCHES_UP && s->reader.fd == -1))
		conclude_as(s, READER_BADLY, -1);
	else if (is_stuck(s) &&
	    ws_moved(s->ws) + STREAM_TIME <= clock_ticks()) {
		tell(s, "reader stuck");
		s->phase = BROKEN;
	} else if (s->phase != LAST && ws_idle(s->ws) &&
	    ws_moved(s->ws) + STREAM_TIME <= clock_ticks())
		ws_ping(s->ws);
}

void
stream_poll(const struct stream *s, struct pollfd fds[STREAM_FDS])
{
	bool full = ws_waiting(s->ws) > AHEAD;
	short events = ws_events(s->ws);

	if (s->phase == SHARES) {
		feed_mind(s->feed, s->position);
		if (s->blocked)
			events |= POLLOUT;
	}
	if (s->head != NULL)
		events = POLLRDHUP;
	fds[0] = (struct pollfd){ s->fd, events, 0 };
	fds[1] = (struct pollfd){ full ? -1 : s->reader.fd, POLLIN, 0 };
}

int64_t
stream_deadline(const struct stream *s)
{
	return s->phase >= BROKEN || has_news(s) ? 0 : s->deadline;
}

static bool
flush(struct stream *s)
{
	bool open = ws_run(s->ws);

	if (open && has_news(s))
		share(s);
	if (open && s->phase == LAST && ws_idle(s->ws)) {
		close_now(s);
		open = ws_run(s->ws);
	}
	return open;
}

enum stream_state
stream_run(struct stream *s, const struct pollfd fds[STREAM_FDS])
{
	if ((fds[0].revents & POLLOUT) != 0)
		s->blocked = false;
	if (fds[1].revents != 0 && s->reader.fd != -1)
		read_lines(s);
	if ((fds[0].revents & (POLLERR | POLLHUP | POLLRDHUP)) != 0)
		s->phase = BROKEN;
	if (s->phase < BROKEN && s->head != NULL && has_news(s))
		share(s);
	if (s->phase < BROKEN && s->deadline <= clock_ticks() &&
	    s->deadline > 0)
		on_deadline(s);
	if (s->phase == BROKEN)
		return STREAM_BROKEN;
	if (s->phase == REFUSED)
		return STREAM_REFUSED;
	if (s->head != NULL)
		return STREAM_OPEN;
	if (!flush(s))
		return STREAM_ENDED;
	if (s->phase <= LAST && !(s->phase == CATCHES_UP && s->reader.fd == -1))
		s->deadline = ws_moved(s->ws) + STREAM_TIME;
	return STREAM_OPEN;
}
