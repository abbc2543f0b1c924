/* SPDX-License-Identifier: ISC */
/* Answer HTTP: webhooks by a pipeline of filters, events by WebSocket. */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <nettle/base64.h>

#include "child.h"
#include "head.h"
#include "json.h"
#include "listen.h"
#include "ws.h"

/* Milliseconds. */
#define HEAD_TIME 5000
#define BODY_TIME 10000 /* head and body */
#define ANSWER_TIME 10000
#define REPLY_TIME 10000
#define DRAIN_TIME 2000
#define STREAM_TIME 30000 /* to a Ping, or to the end of a stuck reader */
#define CLOSE_TIME 5000
#define START_TIME 5000 /* a pipeline that ends by then is misconfigured */

#define CHUNK 65536
#define STREAM_AHEAD (256 * 1024) /* queued for a slow reader */
#define LINE_MAX_SIZE (1024 * 1024)
#define BACKLOG_MAX (64 * 1024 * 1024) /* queued for the pipeline */
#define WORDS 16

enum state { HEAD, BODY, ANSWER, REPLY, DRAIN, STREAM, CLOSING, DEAD };

struct bytes {
	char *text;
	size_t length;
	size_t size;
};

struct conn {
	uint64_t number;
	enum state state;
	int fd;
	int64_t start;
	int64_t deadline;
	struct bytes in; /* the head; then the lines of a stream */
	struct head head;
	struct bytes body;
	struct bytes out;
	size_t sent;
	struct ws *ws;
	int feed;
	pid_t feeder;
};

static const struct {
	const char *outcome;
	int status;
} outcomes[] = {
	{ "\"published\"", 200 },
	{ "\"duplicate\"", 200 },
	{ "\"stale\"", 200 },
	{ "\"foreign\"", 200 },
	{ "\"ignored\"", 200 },
	{ "\"unauthorized\"", 401 },
	{ "\"malformed\"", 400 },
	{ "\"failed\"", 422 },
	{ "\"deferred\"", 503 },
};

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static struct {
	int64_t body_max;
	size_t conns_max;
	const char *pipeline;
	const char *streamer[WORDS + 3]; /* with -c, a cursor, NULL */
	size_t words;
	const char *owner;
} config = {
	.body_max = 1024 * 1024,
	.conns_max = 1024,
	.pipeline = "tack-verify | tack-resolve | tack-status",
};

static struct {
	int in; /* -1 when its input is closed, or it does not run */
	int out;
	struct bytes queue;
	struct bytes lines;
	int64_t start;
	bool answered;
	bool once; /* for one request */
} pipeline = { .in = -1, .out = -1 };

static struct conn **conns;
static size_t nconns;
static int64_t now;
static volatile sig_atomic_t terminated;

static void
usage(void)
{
	fprintf(stderr,
	    "usage: tack-http [-b bytes] [-l address:port]"
	    " [-m connections] [-p pipeline] [-s streamer]\n");
	exit(EX_USAGE);
}

static void
append(struct bytes *b, const char *text, size_t length)
{
	if (b->size - b->length < length) {
		b->size = 2 * b->size + length;
		if ((b->text = realloc(b->text, b->size)) == NULL)
			err(EX_OSERR, NULL);
	}
	memcpy(b->text + b->length, text, length);
	b->length += length;
}

static void
consume(struct bytes *b, size_t length)
{
	b->length -= length;
	memmove(b->text, b->text + length, b->length);
}

static void
empty(struct bytes *b)
{
	free(b->text);
	memset(b, 0, sizeof(*b));
}

/* Read once, what is there: the count, 0 at the end, -1 if nothing is. */
static ssize_t
slurp(int fd, struct bytes *b)
{
	static char chunk[CHUNK];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n > 0)
		append(b, chunk, (size_t)n);
	else if (n == -1)
		n = errno == EAGAIN || errno == EINTR ? -1 : 0;
	return n;
}

static void
shut(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* A line to stderr: the connection and why, nothing a stranger sent. */
static void
tell(const struct conn *c, const char *what)
{
	warnx("%llu: %s", (unsigned long long)c->number, what);
}

static void
enter(struct conn *c, enum state state, int64_t time)
{
	c->state = state;
	c->deadline = now + time;
}

static void
stop_feeder(struct conn *c)
{
	shut(&c->feed);
	if (c->feeder > 0) {
		kill(c->feeder, SIGKILL);
		waitpid(c->feeder, NULL, 0);
	}
	c->feeder = 0;
}

/*
 * Say that no more will come and wait for the peer to have read: to close a
 * socket with unread bytes in it may take the reply back.
 */
static void
finish(struct conn *c)
{
	stop_feeder(c);
	if (shutdown(c->fd, SHUT_WR) == -1)
		c->state = DEAD;
	else
		enter(c, DRAIN, DRAIN_TIME);
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
	if (c->sent == c->out.length)
		finish(c);
}

/* Reply with fields, each ended by CR LF, and a text. */
static void
reply(struct conn *c, int status, const char *fields, const char *text)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *reason = "", *method = c->head.method;
	time_t t = time(NULL);
	struct tm tm;
	char *head;
	int n;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			reason = reasons[i].reason;
	gmtime_r(&t, &tm);
	n = asprintf(&head,
	    "HTTP/1.1 %d %s\r\n"
	    "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n"
	    "%s"
	    "Content-Length: %zu\r\n"
	    "Connection: close\r\n"
	    "\r\n",
	    status, reason, days + 3 * tm.tm_wday, tm.tm_mday,
	    months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, fields, strlen(text));
	if (n == -1)
		err(EX_OSERR, NULL);
	append(&c->out, head, (size_t)n);
	free(head);
	if (method == NULL || strcmp(method, "HEAD") != 0)
		append(&c->out, text, strlen(text));
	empty(&c->body);
	enter(c, REPLY, REPLY_TIME);
	on_reply(c);
}

static void
refuse(struct conn *c, int status, const char *why)
{
	char what[128];

	snprintf(what, sizeof(what), "%d: %s", status, why);
	tell(c, what);
	reply(c, status, status == 503 ? "Retry-After: 5\r\n" : "", "");
}

static void
refuse_method(struct conn *c, const char *allow)
{
	char field[64];

	snprintf(field, sizeof(field), "Allow: %s\r\n", allow);
	tell(c, "405: method");
	reply(c, 405, field, "");
}

/* The pipeline ended, or must: whoever waits is to try again. */
static void
end_pipeline(void)
{
	size_t waiting = 0;

	shut(&pipeline.in);
	shut(&pipeline.out);
	pipeline.queue.length = pipeline.lines.length = 0;
	for (size_t i = 0; i < nconns; i++)
		if (conns[i]->state == ANSWER) {
			refuse(conns[i], 503, "pipeline ended");
			waiting++;
		}
	if (waiting > 0 || pipeline.once)
		return;
	if (!pipeline.answered && now - pipeline.start < START_TIME)
		errx(EX_CONFIG, "pipeline ended at start, see above");
	warnx("pipeline ended");
}

/*
 * A shell that waits for a pipeline holds its output open, so the death of
 * the last filter would show only when the first is dead too.  This one lets
 * go of both ends; job control keeps the filters' standard input theirs.
 */
static void
start_pipeline(void)
{
	const char *argv[] = { "/bin/bash", "-c",
		"set -m; eval \"$1 &\"; set +m; exec <&- >&-; wait",
		"tack-http", config.pipeline, NULL };

	if (pipeline.in != -1)
		return;
	shut(&pipeline.out);
	pipeline.start = now;
	child(argv, &pipeline.in, &pipeline.out);
}

static void
feed_pipeline(void)
{
	ssize_t n;

	if (pipeline.queue.length > 0) {
		n = write(
		    pipeline.in, pipeline.queue.text, pipeline.queue.length);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			end_pipeline();
		if (n > 0)
			consume(&pipeline.queue, (size_t)n);
	}
	if (pipeline.queue.length == 0 && pipeline.once)
		shut(&pipeline.in);
}

static bool
span_is(const struct json_span *span, const char *text)
{
	return span->text != NULL && span->length == strlen(text) &&
	    memcmp(span->text, text, span->length) == 0;
}

static void
answer(const char *line, size_t length)
{
	static const char *const id[] = { "id", NULL };
	static const char *const outcome[] = { "outcome", NULL };
	struct json_want want[] = { { .path = id }, { .path = outcome } };
	struct conn *c = NULL;
	char text[64];
	int status = 0;

	pipeline.answered = true;
	if (json_check(line, length, want, 2) != -1) {
		warnx("pipeline: not JSON");
		return;
	}
	for (size_t i = 0; i < nconns && c == NULL; i++) {
		if (conns[i]->state != ANSWER)
			continue;
		snprintf(text, sizeof(text), "\"%ld-%llu\"", (long)getpid(),
		    (unsigned long long)conns[i]->number);
		if (span_is(&want[0].value, text))
			c = conns[i];
	}
	if (c == NULL)
		return;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (span_is(&want[1].value, outcomes[i].outcome))
			status = outcomes[i].status;
	if (status == 0)
		refuse(c, 503, "no outcome");
	else if (status == 503)
		refuse(c, status, "by the pipeline");
	else
		reply(c, status, "", "");
}

static void
on_pipeline(void)
{
	struct bytes *b = &pipeline.lines;
	char *text, *lf;
	ssize_t n = slurp(pipeline.out, b);

	if (n == -1)
		return;
	for (text = b->text; b->length > 0 &&
	     (lf = memchr(text, '\n', (size_t)(b->text + b->length - text))) !=
		 NULL;
	     text = lf + 1)
		answer(text, (size_t)(lf - text));
	if (b->length > 0)
		consume(b, (size_t)(text - b->text));
	if (n == 0)
		end_pipeline();
	else if (b->length > LINE_MAX_SIZE) {
		warnx("pipeline: line too long");
		end_pipeline();
	}
}

/* The fields as an object; one that is repeated becomes an array. */
static jv
headers(const struct head *head)
{
	jv object = jv_object(), values;
	size_t same;

	for (size_t i = 0; i < head->fields; i++) {
		for (same = 0; same < i; same++)
			if (strcmp(head->name[same], head->name[i]) == 0)
				break;
		if (same < i)
			continue;
		if (head_field(head, head->name[i]) != NULL) {
			object =
			    json_set_str(object, head->name[i], head->value[i]);
			continue;
		}
		for (values = jv_array(); same < head->fields; same++)
			if (strcmp(head->name[same], head->name[i]) == 0)
				values = jv_array_append(
				    values, jv_string(head->value[same]));
		object = json_set(object, head->name[i], values);
	}
	return object;
}

/* Hand a whole request to the pipeline. */
static void
submit(struct conn *c)
{
	size_t length = BASE64_ENCODE_RAW_LENGTH(c->body.length);
	jv request = jv_object(), record = jv_object();
	char id[64], *body, *text;

	start_pipeline();
	if (pipeline.in == -1 || pipeline.queue.length > BACKLOG_MAX) {
		jv_free(request);
		jv_free(record);
		refuse(c, 503, "no room in the pipeline");
		return;
	}
	if ((body = malloc(length + 1)) == NULL)
		err(EX_OSERR, NULL);
	base64_encode_raw(body, c->body.length, (uint8_t *)c->body.text);
	body[length] = '\0';
	empty(&c->body);

	request = json_set_str(request, "method", c->head.method);
	request = json_set_str(request, "path", c->head.path);
	request = json_set_str(request, "query", c->head.query);
	request = json_set(request, "headers", headers(&c->head));
	request = json_set_str(request, "body", body);
	request = json_set(request, "at", jv_number((double)time(NULL)));
	snprintf(id, sizeof(id), "%ld-%llu", (long)getpid(),
	    (unsigned long long)c->number);
	record = json_set_str(record, "id", id);
	text = json_text(json_set(record, "request", request));
	append(&pipeline.queue, text, strlen(text));
	append(&pipeline.queue, "\n", 1);
	free(body);
	free(text);
	enter(c, ANSWER, ANSWER_TIME);
	feed_pipeline();
}

/* Is the text a cursor, which may go on a command line? */
static bool
is_cursor(const char *text, size_t length)
{
	size_t sign = length > 0 && *text == '-';

	return length > sign && length < 24 &&
	    strspn(text + sign, "0123456789") >= length - sign;
}

static void
start_stream(struct conn *c, size_t head_length)
{
	const char **argv = config.streamer, *query = c->head.query;
	char cursor[24], switching[256];
	char key[WS_ACCEPT];
	size_t streams = 0, length, n = config.words;
	int status = ws_handshake(&c->head, key);

	if (status == 426) {
		tell(c, "426: WebSocket version");
		reply(c, 426,
		    "Sec-WebSocket-Version: 13\r\n"
		    "Upgrade: websocket\r\n",
		    "");
		return;
	}
	if (status != 0) {
		refuse(c, status, "WebSocket handshake");
		return;
	}
	for (size_t i = 0; i < nconns; i++)
		streams += conns[i]->ws != NULL;
	if (streams > config.conns_max * 3 / 4) {
		refuse(c, 503, "too many streams");
		return;
	}
	for (argv[n] = NULL; *query != '\0'; query += length) {
		query += *query == '&';
		length = strcspn(query, "&");
		if (strncmp(query, "cursor=", 7) == 0 &&
		    is_cursor(query + 7, length - 7)) {
			snprintf(cursor, sizeof(cursor), "%.*s",
			    (int)length - 7, query + 7);
			argv[n] = "-c";
			argv[n + 1] = cursor;
			argv[n + 2] = NULL;
			break;
		}
	}
	if ((c->feeder = child(argv, NULL, &c->feed)) == -1) {
		refuse(c, 503, "no streamer");
		return;
	}
	snprintf(switching, sizeof(switching),
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n"
	    "\r\n",
	    key);
	length = strlen(switching);
	if (send(c->fd, switching, length, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)length) {
		c->state = DEAD;
		return;
	}
	c->ws =
	    ws_new(c->fd, c->in.text + head_length, c->in.length - head_length);
	c->in.length = 0;
	enter(c, STREAM, STREAM_TIME);
}

static void
close_stream(struct conn *c, int code)
{
	stop_feeder(c);
	ws_close(c->ws, code);
	enter(c, CLOSING, CLOSE_TIME);
}

/* Lines of the streamer become texts of the WebSocket. */
static void
on_feed(struct conn *c)
{
	struct bytes *b = &c->in;
	char *text, *lf;
	ssize_t n = slurp(c->feed, b);

	if (n == -1)
		return;
	for (text = b->text; b->length > 0 &&
	     (lf = memchr(text, '\n', (size_t)(b->text + b->length - text))) !=
		 NULL;
	     text = lf + 1)
		ws_text(c->ws, text, (size_t)(lf - text));
	if (b->length > 0)
		consume(b, (size_t)(text - b->text));
	if (n == 0 || b->length > LINE_MAX_SIZE) {
		tell(c, "streamer ended");
		close_stream(c, 1011);
	}
}

static void
on_stream(struct conn *c)
{
	if (!ws_run(c->ws))
		finish(c);
	else if (c->state == STREAM)
		c->deadline = ws_moved(c->ws) + STREAM_TIME;
}

static void
begin_body(struct conn *c, size_t head_length)
{
	size_t early = c->in.length - head_length;
	size_t length = (size_t)c->head.length;

	if ((c->body.text = malloc(length + 1)) == NULL)
		err(EX_OSERR, NULL);
	c->body.size = length;
	append(&c->body, c->in.text + head_length,
	    early < length ? early : length);
	c->state = BODY;
	c->deadline = c->start + BODY_TIME;
	if (c->body.length == length)
		submit(c);
	else if (head_field(&c->head, "expect") != NULL)
		send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
route_webhook(struct conn *c, const char *name, size_t head_length)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t n = strspn(name, legal);

	if (n == 0 || n > 32 || name[n] != '\0' || strchr("_-", *name) != NULL)
		refuse(c, 404, "no such path");
	else if (strcmp(c->head.method, "POST") != 0)
		refuse_method(c, "POST");
	else if (c->head.length == -1)
		refuse(c, 411, "no length");
	else
		begin_body(c, head_length);
}

static void
route_xrpc(struct conn *c, const char *name)
{
	static const char json[] = "Content-Type: application/json\r\n"
				   "Access-Control-Allow-Origin: *\r\n";
	char *text;

	if (strcmp(name, "sh.tangled.owner") != 0) {
		tell(c, "404: no such method");
		reply(c, 404, json,
		    "{\"error\":\"MethodNotImplemented\","
		    "\"message\":\"no such method\"}\n");
	} else if (config.owner == NULL) {
		tell(c, "500: TACK_OWNER_DID is not set");
		reply(c, 500, json,
		    "{\"error\":\"OwnerNotFound\","
		    "\"message\":\"owner not set for this service\"}\n");
	} else {
		if (asprintf(&text, "{\"owner\":\"%s\"}\n", config.owner) == -1)
			err(EX_OSERR, NULL);
		reply(c, 200, json, text);
		free(text);
	}
}

static void
route(struct conn *c, size_t head_length)
{
	static const char plain[] = "Content-Type: text/plain\r\n";
	const char *path = c->head.path, *method = c->head.method;
	bool get = strcmp(method, "GET") == 0;
	bool read_only = get || strcmp(method, "HEAD") == 0;

	if (c->head.length > config.body_max)
		refuse(c, 413, "body too large");
	else if (strncmp(path, "/webhooks/", 10) == 0)
		route_webhook(c, path + 10, head_length);
	else if (strcmp(path, "/events") == 0 && get)
		start_stream(c, head_length);
	else if (strcmp(path, "/events") == 0)
		refuse_method(c, "GET");
	else if (strcmp(path, "/xrpc/sh.tangled.owner") == 0 && !read_only)
		refuse_method(c, "GET, HEAD");
	else if (strncmp(path, "/xrpc/", 6) == 0)
		route_xrpc(c, path + 6);
	else if (strcmp(path, "/") != 0 && strcmp(path, "/healthz") != 0)
		refuse(c, 404, "no such path");
	else if (!read_only)
		refuse_method(c, "GET, HEAD");
	else if (path[1] == '\0')
		reply(c, 200, plain, "This is tack, a spindle for Tangled.\n");
	else
		reply(c, 200, plain, "ok\n");
}

static void
on_head(struct conn *c)
{
	ssize_t n;
	size_t length;
	int status;

	n = recv(c->fd, c->in.text + c->in.length, c->in.size - c->in.length,
	    MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (c->in.length > 0)
			tell(c, "gone before its head was whole");
		c->state = DEAD;
		return;
	}
	c->in.length += (size_t)n;
	if ((length = head_length(c->in.text, c->in.length)) == 0) {
		if (c->in.length == c->in.size)
			refuse(c, 431, "head too large");
		return;
	}
	if ((status = head_parse(&c->head, c->in.text, length)) != 0)
		refuse(c, status, "head");
	else
		route(c, length);
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
		tell(c, "gone before its body was whole");
		c->state = DEAD;
		return;
	}
	c->body.length += (size_t)n;
	if ((size_t)n == left)
		submit(c);
}

static void
on_drain(struct conn *c)
{
	char chunk[CHUNK];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		c->state = DEAD;
}

static void
on_socket(struct conn *c, short events)
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
	case STREAM:
	case CLOSING:
		if ((events & (POLLERR | POLLHUP)) != 0)
			c->state = DEAD;
		else
			on_stream(c);
		break;
	case ANSWER:
		tell(c, "gone before its answer");
		/* FALLTHROUGH */
	case DEAD:
		c->state = DEAD;
	}
}

static void
on_deadline(struct conn *c)
{
	switch (c->state) {
	case HEAD:
		refuse(c, 408, "head too slow");
		break;
	case BODY:
		refuse(c, 408, "body too slow");
		break;
	case ANSWER:
		refuse(c, 503, "no answer in time");
		break;
	case STREAM:
		if ((ws_events(c->ws) & POLLOUT) == 0) {
			ws_ping(c->ws);
			on_stream(c);
			break;
		}
		tell(c, "reader stuck");
		/* FALLTHROUGH */
	case REPLY:
	case DRAIN:
	case CLOSING:
	case DEAD:
		c->state = DEAD;
	}
}

static void
new_conn(int fd)
{
	static uint64_t numbers;
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->in.text = malloc(HEAD_SIZE)) == NULL)
		err(EX_OSERR, NULL);
	c->in.size = HEAD_SIZE;
	c->number = ++numbers;
	c->fd = fd;
	c->feed = -1;
	c->start = now;
	enter(c, HEAD, HEAD_TIME);
	conns[nconns++] = c;
}

/* Forget the dead. */
static void
sweep(void)
{
	struct conn *c;
	size_t n = 0;

	for (size_t i = 0; i < nconns; i++) {
		c = conns[i];
		if (c->state != DEAD) {
			conns[n++] = c;
			continue;
		}
		stop_feeder(c);
		ws_free(c->ws);
		close(c->fd);
		empty(&c->in);
		empty(&c->body);
		empty(&c->out);
		free(c);
	}
	nconns = n;
}

/* Make room: who has dawdled longest over a request must go. */
static bool
evict(void)
{
	for (size_t i = 0; i < nconns; i++)
		if (conns[i]->state == HEAD || conns[i]->state == BODY ||
		    conns[i]->state == DRAIN) {
			if (conns[i]->state != DRAIN)
				tell(conns[i], "evicted");
			conns[i]->state = DEAD;
			sweep();
			return true;
		}
	return false;
}

/* Accept all that wait; false if that must itself wait for a moment. */
static bool
on_listener(int listener)
{
	int fd;

	for (size_t i = 0; i < 64; i++) {
		if (nconns >= config.conns_max && !evict())
			return false;
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd != -1)
			new_conn(fd);
		else if (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM)
			return evict();
		else if (errno != ECONNABORTED && errno != EINTR)
			break;
	}
	return true;
}

static short
wanted(const struct conn *c)
{
	switch (c->state) {
	case ANSWER:
		return 0;
	case REPLY:
		return POLLOUT;
	case STREAM:
	case CLOSING:
		return ws_events(c->ws);
	default:
		return POLLIN;
	}
}

static void
on_signal(int sig)
{
	if (sig != SIGCHLD)
		terminated = 1;
}

/* Children that nobody waits for by name. */
static void
reap(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < nconns; i++)
			if (conns[i]->feeder == pid)
				conns[i]->feeder = 0;
}

/* No new requests; what has begun is brought to its end. */
static void
wind_up(int *listener)
{
	shut(listener);
	for (size_t i = 0; i < nconns; i++)
		if (conns[i]->state == STREAM) {
			close_stream(conns[i], 1001);
			on_stream(conns[i]);
		} else if (conns[i]->state == HEAD && conns[i]->in.length == 0)
			conns[i]->state = DEAD;
	sweep();
}

/* Serve until the listener is shut, if there is one, and nobody is left. */
static void
serve(int listener, const sigset_t *mask)
{
	struct pollfd *fds, *fd;
	struct timespec wait;
	int64_t until, paused = 0;
	size_t n;

	fds = calloc(3 + 2 * config.conns_max, sizeof(*fds));
	if (fds == NULL)
		err(EX_OSERR, NULL);
	while (listener != -1 || nconns > 0) {
		until = now + 60000;
		fds[0] =
		    (struct pollfd){ paused > now ? -1 : listener, POLLIN, 0 };
		if (paused > now)
			until = paused;
		fds[1] = (struct pollfd){
			pipeline.queue.length > 0 ? pipeline.in : -1, POLLOUT, 0
		};
		fds[2] = (struct pollfd){ pipeline.out, POLLIN, 0 };
		fd = fds + 3;
		n = nconns;
		for (size_t i = 0; i < n; i++) {
			struct conn *c = conns[i];

			*fd++ = (struct pollfd){ c->fd, wanted(c), 0 };
			*fd++ = (struct pollfd){ c->ws != NULL &&
					ws_waiting(c->ws) <= STREAM_AHEAD ?
				    c->feed :
				    -1,
				POLLIN, 0 };
			if (c->deadline < until)
				until = c->deadline;
		}
		until = until > now ? until - now : 0;
		wait.tv_sec = until / 1000;
		wait.tv_nsec = until % 1000 * 1000000;
		if (ppoll(fds, (nfds_t)(fd - fds), &wait, mask) == -1) {
			if (errno != EINTR)
				err(EX_OSERR, "poll");
			now = ws_clock();
			reap();
			if (terminated && listener != -1)
				wind_up(&listener);
			continue;
		}
		now = ws_clock();
		if (fds[2].revents != 0)
			on_pipeline();
		if (fds[1].revents != 0 && pipeline.in != -1)
			feed_pipeline();
		fd = fds + 3;
		for (size_t i = 0; i < n; i++, fd += 2) {
			struct conn *c = conns[i];

			if (fd[1].revents != 0 && c->feed != -1) {
				on_feed(c);
				on_stream(c);
			}
			if (fd[0].revents != 0)
				on_socket(c, fd[0].revents);
			if (c->deadline <= now && c->state != DEAD)
				on_deadline(c);
		}
		sweep();
		if (fds[0].revents != 0 && !on_listener(listener))
			paused = now + 100;
	}
	free(fds);
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
		if (child(logger, &log, NULL) != -1) {
			dup2(log, 2);
			close(log);
		}
	}
	close(null);
}

/* The socket to serve, by the way we were started. */
static int
find_socket(const char *address)
{
	struct stat st;
	int fd, null;

	do {
		if ((null = open("/dev/null", O_RDWR)) == -1)
			err(EX_OSERR, "/dev/null");
	} while (null <= 2);
	close(null);

	if ((fd = listen_passed()) == -1 && address != NULL)
		fd = listen_at(address);
	if (fd == -1 && is_socket(0, &st))
		fd = 0;
	if (fd == -1 && (address = getenv("TACK_LISTEN_ADDR")) != NULL)
		fd = listen_at(address);
	if (fd == -1)
		usage();
	if (fd == 0 && (fd = fcntl(0, F_DUPFD_CLOEXEC, 3)) == -1)
		err(EX_OSERR, "stdin");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		err(EX_USAGE, "descriptor %d", fd);
	redirect(fd);
	return fd;
}

static void catch (sigset_t *mask)
{
	static const int signals[] = { SIGCHLD, SIGINT, SIGTERM };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;

	sigemptyset(&block);
	sigemptyset(mask);
	for (size_t i = 0; i < 3; i++) {
		sigaction(signals[i], &sa, NULL);
		sigaddset(&block, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &block, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

static void
configure(char *streamer)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    ".:%_-";
	struct rlimit limit;

	for (char *word = strtok(streamer, " "); word != NULL;
	     word = strtok(NULL, " ")) {
		if (config.words == WORDS)
			usage();
		config.streamer[config.words++] = word;
	}
	if (config.words == 0)
		usage();
	config.owner = getenv("TACK_OWNER_DID");
	if (config.owner != NULL && *config.owner == '\0')
		config.owner = NULL;
	if (config.owner != NULL &&
	    (strncmp(config.owner, "did:", 4) != 0 ||
		config.owner[strspn(config.owner, legal)] != '\0'))
		errx(EX_CONFIG, "TACK_OWNER_DID is not a DID");
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static long long
number(const char *text, long long max)
{
	const char *error;
	long long n = strtonum(text, 1, max, &error);

	if (error != NULL)
		errx(EX_USAGE, "%s: %s", text, error);
	return n;
}

int
main(int argc, char *argv[])
{
	const char *address = NULL;
	char events[] = "tack-events -f", *streamer = events;
	sigset_t mask;
	int ch, fd, listener = -1;

	while ((ch = getopt(argc, argv, "b:l:m:p:s:")) != -1)
		switch (ch) {
		case 'b':
			config.body_max = number(optarg, 1 << 30);
			break;
		case 'l':
			address = optarg;
			break;
		case 'm':
			config.conns_max = (size_t)number(optarg, 1 << 20);
			break;
		case 'p':
			config.pipeline = optarg;
			break;
		case 's':
			streamer = optarg;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();

	configure(streamer);
	catch (&mask);
	fd = find_socket(address);
	now = ws_clock();
	conns = calloc(config.conns_max, sizeof(struct conn *));
	if (conns == NULL)
		err(EX_OSERR, NULL);
	if (listen_is(fd)) {
		listener = fd;
		if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
			err(EX_OSERR, "descriptor %d", fd);
		listen_tell(fd);
		start_pipeline();
	} else {
		pipeline.once = true;
		new_conn(fd);
	}
	serve(listener, &mask);
	return 0;
}
