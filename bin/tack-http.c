/* SPDX-License-Identifier: ISC */
/* Answer HTTP: webhooks by a pipeline of filters, events by WebSocket. */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "conn.h"
#include "listen.h"
#include "pipeline.h"
#include "request.h"
#include "ws.h"

#define WORDS 16

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

static struct pipeline *pipeline;
static struct conn **conns;
static size_t nconns;
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
refuse_method(struct conn *c, const char *allow)
{
	char field[64];

	snprintf(field, sizeof(field), "Allow: %s\r\n", allow);
	conn_tell(c, "405: method");
	conn_reply(c, 405, field, "");
}

/* An answer of the pipeline to whom it is for. */
static void
answer(const char *id, size_t length, int status)
{
	uint64_t number = request_number(id, length);
	struct conn *c = NULL;

	for (size_t i = 0; i < nconns && c == NULL; i++)
		if (conn_waits_for(conns[i], number))
			c = conns[i];
	if (c == NULL)
		return;
	if (status == 0)
		conn_refuse(c, 503, "no outcome");
	else if (status == 503)
		conn_refuse(c, status, "by the pipeline");
	else
		conn_reply(c, status, "", "");
}

/* The pipeline ended: whoever waits is to try again. */
static bool
pipeline_ended(void)
{
	bool waited = false;

	for (size_t i = 0; i < nconns; i++)
		if (conn_waits(conns[i])) {
			conn_refuse(conns[i], 503, "pipeline ended");
			waited = true;
		}
	return waited;
}

/* Hand a whole request to the pipeline. */
static void
submit(struct conn *c, const struct head *head, const char *body, size_t length)
{
	struct bytes *room = pipeline_room(pipeline);

	if (room == NULL)
		conn_refuse(c, 503, "no room in the pipeline");
	else
		request_record(room, conn_wait(c), head, body, length);
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
start_stream(struct conn *c, const struct head *head)
{
	const char **argv = config.streamer, *query = head->query;
	char cursor[24];
	char key[WS_ACCEPT];
	size_t streams = 0, length, n = config.words;
	int status = ws_handshake(head, key);

	if (status == 426) {
		conn_tell(c, "426: WebSocket version");
		conn_reply(c, 426,
		    "Sec-WebSocket-Version: 13\r\n"
		    "Upgrade: websocket\r\n",
		    "");
		return;
	}
	if (status != 0) {
		conn_refuse(c, status, "WebSocket handshake");
		return;
	}
	for (size_t i = 0; i < nconns; i++)
		streams += conn_streams(conns[i]);
	if (streams > config.conns_max * 3 / 4) {
		conn_refuse(c, 503, "too many streams");
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
	conn_stream(c, key, argv);
}

static void
route_webhook(struct conn *c, const struct head *head, const char *name)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t n = strspn(name, legal);

	if (n == 0 || n > 32 || name[n] != '\0' || strchr("_-", *name) != NULL)
		conn_refuse(c, 404, "no such path");
	else if (strcmp(head->method, "POST") != 0)
		refuse_method(c, "POST");
	else if (head->length == -1)
		conn_refuse(c, 411, "no length");
	else
		conn_take(c);
}

static void
route_xrpc(struct conn *c, const char *name)
{
	static const char json[] = "Content-Type: application/json\r\n"
				   "Access-Control-Allow-Origin: *\r\n";
	char *text;

	if (strcmp(name, "sh.tangled.owner") != 0) {
		conn_tell(c, "404: no such method");
		conn_reply(c, 404, json,
		    "{\"error\":\"MethodNotImplemented\","
		    "\"message\":\"no such method\"}\n");
	} else if (config.owner == NULL) {
		conn_tell(c, "500: TACK_OWNER_DID is not set");
		conn_reply(c, 500, json,
		    "{\"error\":\"OwnerNotFound\","
		    "\"message\":\"owner not set for this service\"}\n");
	} else {
		if (asprintf(&text, "{\"owner\":\"%s\"}\n", config.owner) == -1)
			err(EX_OSERR, NULL);
		conn_reply(c, 200, json, text);
		free(text);
	}
}

static void
route(struct conn *c, const struct head *head)
{
	static const char plain[] = "Content-Type: text/plain\r\n";
	const char *path = head->path, *method = head->method;
	bool get = strcmp(method, "GET") == 0;
	bool read_only = get || strcmp(method, "HEAD") == 0;

	if (head->length > config.body_max)
		conn_refuse(c, 413, "body too large");
	else if (strncmp(path, "/webhooks/", 10) == 0)
		route_webhook(c, head, path + 10);
	else if (strcmp(path, "/events") == 0 && get)
		start_stream(c, head);
	else if (strcmp(path, "/events") == 0)
		refuse_method(c, "GET");
	else if (strcmp(path, "/xrpc/sh.tangled.owner") == 0 && !read_only)
		refuse_method(c, "GET, HEAD");
	else if (strncmp(path, "/xrpc/", 6) == 0)
		route_xrpc(c, path + 6);
	else if (strcmp(path, "/") != 0 && strcmp(path, "/healthz") != 0)
		conn_refuse(c, 404, "no such path");
	else if (!read_only)
		refuse_method(c, "GET, HEAD");
	else if (path[1] == '\0')
		conn_reply(
		    c, 200, plain, "This is tack, a spindle for Tangled.\n");
	else
		conn_reply(c, 200, plain, "ok\n");
}

static void
new_conn(int fd)
{
	static const struct conn_server server = { route, submit };

	conns[nconns++] = conn_new(fd, &server);
}

/* Forget the dead. */
static void
sweep(void)
{
	size_t n = 0;

	for (size_t i = 0; i < nconns; i++)
		if (conn_dead(conns[i]))
			conn_free(conns[i]);
		else
			conns[n++] = conns[i];
	nconns = n;
}

/* Make room: who has dawdled longest over a request must go. */
static bool
evict(void)
{
	for (size_t i = 0; i < nconns; i++)
		if (conn_evict(conns[i])) {
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
			conn_exited(conns[i], pid);
}

/* No new requests; what has begun is brought to its end. */
static void
wind_up(int *listener)
{
	close(*listener);
	*listener = -1;
	for (size_t i = 0; i < nconns; i++)
		conn_wind_up(conns[i]);
	sweep();
}

/* Serve until the listener is shut, if there is one, and nobody is left. */
static void
serve(int listener, const sigset_t *mask)
{
	struct pollfd *fds, *fd;
	struct timespec wait;
	int64_t now = ws_clock(), until, paused = 0;
	size_t n;

	fds = calloc(
	    1 + PIPELINE_FDS + CONN_FDS * config.conns_max, sizeof(*fds));
	if (fds == NULL)
		err(EX_OSERR, NULL);
	while (listener != -1 || nconns > 0) {
		until = now + 60000;
		fds[0] =
		    (struct pollfd){ paused > now ? -1 : listener, POLLIN, 0 };
		if (paused > now)
			until = paused;
		pipeline_feed(pipeline);
		pipeline_poll(pipeline, fds + 1);
		fd = fds + 1 + PIPELINE_FDS;
		n = nconns;
		for (size_t i = 0; i < n; i++, fd += CONN_FDS) {
			conn_poll(conns[i], fd);
			if (conn_deadline(conns[i]) < until)
				until = conn_deadline(conns[i]);
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
		pipeline_run(pipeline, fds + 1);
		fd = fds + 1 + PIPELINE_FDS;
		for (size_t i = 0; i < n; i++, fd += CONN_FDS)
			conn_run(conns[i], fd);
		sweep();
		if (fds[0].revents != 0 && !on_listener(listener))
			paused = now + 100;
	}
	free(fds);
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
	if ((fd = listen_find(address)) == -1)
		usage();
	conns = calloc(config.conns_max, sizeof(struct conn *));
	if (conns == NULL)
		err(EX_OSERR, NULL);
	if (listen_is(fd)) {
		listener = fd;
		if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
			err(EX_OSERR, "descriptor %d", fd);
		listen_tell(fd);
	}
	pipeline = pipeline_new(
	    config.pipeline, listener == -1, answer, pipeline_ended);
	if (listener != -1)
		pipeline_start(pipeline);
	else
		new_conn(fd);
	serve(listener, &mask);
	return 0;
}
