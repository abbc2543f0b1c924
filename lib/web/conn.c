/* SPDX-License-Identifier: ISC */
/* A connection that asks by HTTP, from its first byte to its end. */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "web/conn.h"
#include "web/listing.h"
#include "web/reply.h"
#include "web/stream.h"

/* Milliseconds. */
#define HEAD_TIME 5000
#define IDLE_TIME 30000 /* between requests */
#define BODY_TIME 10000 /* head and body */
#define ANSWER_TIME 10000
#define REPLY_TIME 10000
#define DRAIN_TIME 2000

enum state { HEAD, BODY, ANSWER, REPLY, DRAIN, STREAM, LISTING, DEAD };

struct conn {
	const struct conn_handler *handler;
	uint64_t number;
	enum state state;
	int fd;
	int64_t start;
	int64_t deadline;
	struct bytes in;
	struct head head;
	size_t head_length;
	struct bytes body;
	size_t used; /* of in, by the request: 0 before it is whole */
	bool once, keep; /* the connection, when this request is done */
	bool served; /* a request before this one */
	bool unseen; /* in has bytes of the next one */
	struct bytes out;
	size_t sent;
	struct stream *stream;
	struct listing *listing;
};

static void
enter(struct conn *c, enum state state, int64_t time)
{
	c->state = state;
	c->deadline = clock_ticks() + time;
}

static uint64_t
next_number(void)
{
	static uint64_t numbers;

	return ++numbers;
}

struct conn *
conn_new(int fd, const struct conn_handler *handler, bool once)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	bytes_room(&c->in, HEAD_SIZE);
	c->handler = handler;
	c->once = once;
	c->fd = fd;
	c->number = next_number();
	c->start = clock_ticks();
	enter(c, HEAD, HEAD_TIME);
	return c;
}

void
conn_free(struct conn *c)
{
	stream_free(c->stream);
	listing_free(c->listing);
	close(c->fd);
	bytes_free(&c->in);
	bytes_free(&c->body);
	bytes_free(&c->out);
	free(c);
}

void
conn_tell(const struct conn *c, const char *what)
{
	warnx("%llu: %s", (unsigned long long)c->number, what);
}

/*
 * Say that no more will come and wait for the peer to have read: to close a
 * socket with unread bytes in it may take the reply back.
 */
static void
finish(struct conn *c)
{
	if (shutdown(c->fd, SHUT_WR) == -1)
		c->state = DEAD;
	else
		enter(c, DRAIN, DRAIN_TIME);
}

/* The reply is out: be ready for the next request. */
static void
renew(struct conn *c)
{
	bytes_drop(&c->in, c->used);
	c->used = 0;
	c->out.length = c->sent = 0;
	c->keep = false;
	c->served = true;
	c->unseen = c->in.length > 0;
	memset(&c->head, 0, sizeof(c->head));
	c->number = next_number();
	c->start = clock_ticks();
	enter(c, HEAD, c->unseen ? HEAD_TIME : IDLE_TIME);
}

static void
on_reply(struct conn *c)
{
	ssize_t n;

	n = send(c->fd, c->out.text + c->sent, c->out.length - c->sent,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			c->state = DEAD;
		return;
	}
	c->sent += (size_t)n;
	if (c->sent < c->out.length)
		return;
	if (c->keep)
		renew(c);
	else
		finish(c);
}

void
conn_reply(struct conn *c, int status, const char *fields, const char *text)
{
	const char *method = c->head.method;

	/* Who errs may have said more than was understood. */
	if (c->once || c->used == 0 || status >= 400)
		c->keep = false;
	reply_head(&c->out, status, fields, (ssize_t)strlen(text),
	    !c->keep		   ? "close" :
		c->head.minor == 0 ? "keep-alive" :
				     NULL);
	if (method == NULL || strcmp(method, "HEAD") != 0)
		bytes_add(&c->out, text, strlen(text));
	enter(c, REPLY, REPLY_TIME);
	on_reply(c);
}

void
conn_refuse(struct conn *c, int status, const char *why)
{
	char what[128];

	snprintf(what, sizeof(what), "%d: %s", status, why);
	conn_tell(c, what);
	conn_reply(c, status, status == 503 ? "Retry-After: 5\r\n" : "", "");
}

uint64_t
conn_wait(struct conn *c)
{
	enter(c, ANSWER, ANSWER_TIME);
	return c->number;
}

bool
conn_waits(const struct conn *c)
{
	return c->state == ANSWER;
}

bool
conn_waits_for(const struct conn *c, uint64_t number)
{
	return c->state == ANSWER && c->number == number;
}

void
conn_stream(
    struct conn *c, const char *accept, struct feed *feed, int64_t position)
{
	char head[256];

	snprintf(head, sizeof(head),
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n"
	    "\r\n",
	    accept);
	c->stream = stream_new(c->fd, head, c->in.text + c->head_length,
	    c->in.length - c->head_length, feed, position, c->number);
	c->state = STREAM;
}

void
conn_print(struct conn *c, const char *type, const char *const argv[])
{
	bool chunks = c->head.minor > 0;
	struct bytes head = { 0 };
	char fields[128];

	snprintf(fields, sizeof(fields), "Content-Type: %s\r\n%s", type,
	    chunks ? "Transfer-Encoding: chunked\r\n" : "");
	reply_head(&head, 200, fields, -1, "close");
	bytes_add(&head, "", 1);
	c->listing = listing_new(c->fd, head.text, chunks, argv, c->number);
	c->state = LISTING;
	bytes_free(&head);
}

bool
conn_streams(const struct conn *c)
{
	return c->state == STREAM || c->state == LISTING;
}

int64_t
conn_waits_to_start(const struct conn *c)
{
	return c->state == STREAM ? stream_waits(c->stream) :
	    c->state == LISTING	  ? listing_waits(c->listing) :
				    INT64_MAX;
}

/* Has the peer hung up, though we have not come to read of it? */
static bool
is_gone(const struct conn *c)
{
	struct pollfd peer = { c->fd, POLLRDHUP, 0 };

	return poll(&peer, 1, 0) == 1;
}

bool
conn_start(struct conn *c)
{
	if (is_gone(c)) {
		c->state = DEAD;
		return false;
	}
	if (c->state == STREAM)
		return stream_start(c->stream);
	listing_start(c->listing);
	return true;
}

void
conn_exited(struct conn *c, pid_t pid, int status)
{
	if (c->state == STREAM)
		stream_exited(c->stream, pid, status);
	else if (c->state == LISTING)
		listing_exited(c->listing, pid, status);
}

void
conn_take(struct conn *c)
{
	size_t early = c->in.length - c->head_length;
	size_t length = (size_t)c->head.length;

	if (early >= length) {
		c->used = c->head_length + length;
		c->handler->body(
		    c, &c->head, c->in.text + c->head_length, length);
		return;
	}
	bytes_room(&c->body, length + 1);
	bytes_add(&c->body, c->in.text + c->head_length, early);
	c->state = BODY;
	c->deadline = c->start + BODY_TIME;
	if (head_field(&c->head, "expect") != NULL)
		send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Should the connection outlive the request (RFC 9112 9.3)? */
static bool
keeps(const struct head *head)
{
	return head->minor == 0 ?
	    head_has_word(head, "connection", "keep-alive") :
	    !head_has_word(head, "connection", "close");
}

/* Look at what is there of a head. */
static void
look(struct conn *c)
{
	int status;

	c->unseen = false;
	c->head_length = head_length(c->in.text, c->in.length);
	if (c->head_length == 0) {
		if (c->in.length == HEAD_SIZE)
			conn_refuse(c, 431, "head too large");
		return;
	}
	status = head_parse(&c->head, c->in.text, c->head_length);
	if (status != 0) {
		conn_refuse(c, status, "head");
		return;
	}
	c->keep = keeps(&c->head);
	if (c->head.length <= 0)
		c->used = c->head_length;
	c->handler->head(c, &c->head);
}

static void
on_head(struct conn *c)
{
	ssize_t n;

	n = recv(c->fd, c->in.text + c->in.length, HEAD_SIZE - c->in.length,
	    MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (c->in.length > 0)
			conn_tell(c, "gone before its head was whole");
		c->state = DEAD;
		return;
	}
	if (c->served && c->in.length == 0) {
		c->start = clock_ticks();
		c->deadline = c->start + HEAD_TIME;
	}
	c->in.length += (size_t)n;
	look(c);
}

static void
on_body(struct conn *c)
{
	size_t left = (size_t)c->head.length - c->body.length;
	ssize_t n;

	n = recv(c->fd, c->body.text + c->body.length, left, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_tell(c, "gone before its body was whole");
		c->state = DEAD;
		return;
	}
	c->body.length += (size_t)n;
	if ((size_t)n < left)
		return;
	c->used = c->in.length;
	c->handler->body(c, &c->head, c->body.text, c->body.length);
	bytes_free(&c->body);
}

static void
on_drain(struct conn *c)
{
	char chunk[65536];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		c->state = DEAD;
}

static void
forget_streams(struct conn *c)
{
	stream_free(c->stream);
	listing_free(c->listing);
	c->stream = NULL;
	c->listing = NULL;
}

static void
on_stream(struct conn *c, const struct pollfd fds[CONN_FDS])
{
	bool lists = c->state == LISTING;
	int refusal;

	switch (
	    lists ? listing_run(c->listing, fds) : stream_run(c->stream, fds)) {
	case STREAM_OPEN:
		break;
	case STREAM_ENDED:
		forget_streams(c);
		finish(c);
		break;
	case STREAM_REFUSED:
		refusal = lists ? listing_refusal(c->listing) :
				  stream_refusal(c->stream);
		forget_streams(c);
		c->handler->refused(c, refusal);
		break;
	case STREAM_BROKEN:
		c->state = DEAD;
	}
}

static void
on_socket(struct conn *c)
{
	switch (c->state) {
	case HEAD:
		on_head(c);
		break;
	case BODY:
		on_body(c);
		break;
	case REPLY:
		on_reply(c);
		break;
	case DRAIN:
		on_drain(c);
		break;
	case ANSWER:
		conn_tell(c, "gone before its answer");
		/* FALLTHROUGH */
	case STREAM:
	case LISTING:
	case DEAD:
		c->state = DEAD;
	}
}

static void
on_deadline(struct conn *c)
{
	switch (c->state) {
	case HEAD:
		if (c->served && c->in.length == 0)
			finish(c);
		else
			conn_refuse(c, 408, "head too slow");
		break;
	case BODY:
		conn_refuse(c, 408, "body too slow");
		break;
	case ANSWER:
		conn_refuse(c, 503, "no answer in time");
		break;
	case REPLY:
	case DRAIN:
	case STREAM:
	case LISTING:
	case DEAD:
		c->state = DEAD;
	}
}

void
conn_wind_up(struct conn *c)
{
	static const struct pollfd none[CONN_FDS];

	c->once = true;
	if (c->state == STREAM) {
		stream_close(c->stream, 1001);
		on_stream(c, none);
	} else if (c->state == LISTING)
		c->state = DEAD; /* so that it is not taken for whole */
	else if (c->state == HEAD && c->in.length == 0)
		c->state = DEAD;
}

bool
conn_evict(struct conn *c)
{
	if (c->state != HEAD && c->state != BODY && c->state != DRAIN)
		return false;
	if (c->state != DRAIN && !(c->served && c->in.length == 0))
		conn_tell(c, "evicted");
	c->state = DEAD;
	return true;
}

bool
conn_dead(const struct conn *c)
{
	return c->state == DEAD;
}

void
conn_poll(const struct conn *c, struct pollfd fds[CONN_FDS])
{
	if (c->state == STREAM) {
		stream_poll(c->stream, fds);
		return;
	}
	if (c->state == LISTING) {
		listing_poll(c->listing, fds);
		return;
	}
	fds[0] = (struct pollfd){ c->fd, POLLIN, 0 };
	fds[1] = (struct pollfd){ -1, 0, 0 };
	if (c->state == ANSWER)
		fds[0].events = 0;
	else if (c->state == REPLY)
		fds[0].events = POLLOUT;
}

int64_t
conn_deadline(const struct conn *c)
{
	if (c->state == STREAM)
		return stream_deadline(c->stream);
	if (c->state == LISTING)
		return listing_deadline(c->listing);
	return c->unseen ? 0 : c->deadline;
}

void
conn_run(struct conn *c, const struct pollfd fds[CONN_FDS])
{
	bool streams = c->state == STREAM || c->state == LISTING;

	if (streams) {
		if (fds[0].revents != 0 || fds[1].revents != 0 ||
		    conn_deadline(c) <= clock_ticks())
			on_stream(c, fds);
		return;
	}
	if (c->unseen)
		look(c);
	else if (fds[0].revents != 0)
		on_socket(c);
	streams = c->state == STREAM || c->state == LISTING;
	if (!streams && c->state != DEAD && c->deadline <= clock_ticks())
		on_deadline(c);
}
