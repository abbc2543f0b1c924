/* SPDX-License-Identifier: ISC */
/* Subscribe to /events: how fast is a replay, how late is news? */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "store/db.h"
#include "store/event.h"

#define BUFFER (1 << 18)
#define PATIENCE 20 /* seconds without a frame */

struct conn {
	int fd;
	size_t got;
	char *text;
	int64_t created; /* of the last event */
	uint64_t frames;
};

static struct {
	struct conn *conns;
	long count;
	int epoll;
	bool trigger; /* the server itself appends, and says when */
	uint64_t frames, late; /* in all; of the event that is waited for */
	int64_t awaited; /* that event's cursor */
	int64_t committed; /* and when its commit returned */
	uint32_t *micros;
	size_t samples;
} sub;

static void
usage(void)
{
	fputs("usage: sub [-c connections] [-p path] [-r events] port\n"
	      "       sub [-t] -n events [-c connections] [-d database]"
	      " [-p path] port\n",
	    stderr);
	exit(EX_USAGE);
}

static int64_t
nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
send_all(int fd, const char *text, size_t length)
{
	if (send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length)
		err(EX_IOERR, "send");
}

/* A masked frame, whose mask is 0. */
static void
send_frame(int fd, int opcode, const char *text, size_t length)
{
	char frame[6 + 125] = { (char)(0x80 | opcode), (char)(0x80 | length) };

	memcpy(frame + 6, text, length);
	send_all(fd, frame, 6 + length);
}

static void
dial(struct conn *c, int port, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	char head[1024], *end = NULL;
	int n, one = 1;

	if ((c->text = malloc(BUFFER)) == NULL ||
	    (c->fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(EX_OSERR, NULL);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		err(EX_UNAVAILABLE, "connect");
	n = snprintf(head, sizeof(head),
	    "GET %s HTTP/1.1\r\n"
	    "Host: localhost\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "\r\n",
	    path);
	send_all(c->fd, head, (size_t)n);
	while (end == NULL) {
		ssize_t r =
		    recv(c->fd, c->text + c->got, sizeof(head) - 1 - c->got, 0);

		if (r <= 0)
			errx(EX_UNAVAILABLE, "no answer to the upgrade");
		c->got += (size_t)r;
		c->text[c->got] = '\0';
		end = strstr(c->text, "\r\n\r\n");
	}
	if (strncmp(c->text, "HTTP/1.1 101 ", 13) != 0)
		errx(EX_UNAVAILABLE, "no upgrade: %.30s", c->text);
	c->got -= (size_t)(end + 4 - c->text);
	memmove(c->text, end + 4, c->got);
	if (epoll_ctl(sub.epoll, EPOLL_CTL_ADD, c->fd, &e) == -1)
		err(EX_OSERR, "epoll");
}

static void
on_text(struct conn *c, char *text, size_t length)
{
	static const char before[] = "{\"created\":";
	static const char at[] = ",\"committed\":";
	int64_t now = nanoseconds(), created;
	char *mark;

	if (length < sizeof(before) ||
	    memcmp(text, before, sizeof(before) - 1) != 0)
		errx(EX_PROTOCOL, "not an event: %.*s", (int)length, text);
	created = strtoll(text + sizeof(before) - 1, NULL, 10);
	if (created <= c->created)
		errx(EX_PROTOCOL, "%lld after %lld", (long long)created,
		    (long long)c->created);
	c->created = created;
	c->frames++;
	sub.frames++;
	if (sub.trigger &&
	    (mark = memmem(text, length, at, sizeof(at) - 1)) != NULL) {
		sub.committed = strtoll(mark + sizeof(at) - 1, NULL, 10);
		sub.awaited = created;
	}
	if (created != sub.awaited)
		return;
	sub.late--;
	now -= sub.committed;
	sub.micros[sub.samples++] = now < 0 ? 0 : (uint32_t)(now / 1000);
}

/* Take whole frames out of the buffer. */
static void
frames(struct conn *c)
{
	unsigned char *p = (unsigned char *)c->text, *end = p + c->got;
	size_t head, length;

	while (end - p >= 2) {
		head = 2;
		length = p[1] & 0x7f;
		if (length == 126) {
			if (end - p < 4)
				break;
			head = 4;
			length = (size_t)p[2] << 8 | p[3];
		} else if (length == 127)
			errx(EX_PROTOCOL, "frame too long");
		if ((size_t)(end - p) < head + length)
			break;
		if ((p[0] & 0x7f) == 0x1)
			on_text(c, (char *)p + head, length);
		else if ((p[0] & 0x0f) == 0x9)
			send_frame(c->fd, 0xa, (char *)p + head, length);
		else
			errx(EX_PROTOCOL, "opcode %d", p[0] & 0x0f);
		p += head + length;
	}
	c->got = (size_t)(end - p);
	memmove(c->text, p, c->got);
}

/* Take what has come within so many milliseconds; was there something? */
static bool
take(int milliseconds)
{
	struct epoll_event events[64];
	int n = epoll_wait(sub.epoll, events, 64, milliseconds);

	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;
		ssize_t r = recv(c->fd, c->text + c->got, BUFFER - c->got, 0);

		if (r <= 0)
			errx(EX_UNAVAILABLE, "the server hung up");
		c->got += (size_t)r;
		frames(c);
	}
	return n > 0;
}

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Append events one by one; time from the commit to each frame. */
static void
follow(const char *database, long events)
{
	struct db *db = NULL;
	struct event_log log;

	if (!sub.trigger) {
		db = db_open(database, DB_WRITE_FULL);
		event_prepare(&log, db);
	}
	sub.micros =
	    calloc((size_t)((events + 1) * sub.count), sizeof(uint32_t));
	if (sub.micros == NULL)
		err(EX_OSERR, NULL);
	/* the first tells that all are there, and does not count */
	for (long i = 0; i <= events; i++) {
		int64_t until = nanoseconds() +
		    (int64_t)(20 + arc4random_uniform(50)) * 1000000;

		while (nanoseconds() < until)
			take((int)((until - nanoseconds()) / 1000000) + 1);
		sub.late = (uint64_t)sub.count;
		if (sub.trigger) {
			send_frame(sub.conns[0].fd, 0x1, "{}", 2);
		} else {
			db_begin(db);
			sub.awaited = event_append(&log, "sh.tangled.bench",
			    "{\"status\":\"running\"}", 0);
			db_commit(db);
			sub.committed = nanoseconds();
			db_ring(db);
		}
		while (sub.late > 0)
			if (!take(PATIENCE * 1000))
				errx(EX_UNAVAILABLE, "%llu frames missing",
				    (unsigned long long)sub.late);
		if (i == 0)
			sub.samples = 0;
	}
	qsort(sub.micros, sub.samples, sizeof(uint32_t), ascending);
	printf("p50=%.3f p99=%.3f max=%.3f frames=%zu\n",
	    sub.micros[sub.samples / 2] / 1e3,
	    sub.micros[(size_t)((double)(sub.samples - 1) * 0.99)] / 1e3,
	    sub.micros[sub.samples - 1] / 1e3, sub.samples);
}

static void
replay(uint64_t events, int64_t start)
{
	double took;

	while (sub.frames < events)
		if (!take(PATIENCE * 1000))
			errx(EX_UNAVAILABLE, "%llu of %llu events came",
			    (unsigned long long)sub.frames,
			    (unsigned long long)events);
	took = (double)(nanoseconds() - start) / 1e9;
	printf("rate=%.0f seconds=%.3f frames=%llu\n", (double)events / took,
	    took, (unsigned long long)sub.frames);
}

static long
number(const char *text, long max)
{
	const char *problem;
	long n = (long)strtonum(text, 1, max, &problem);

	if (problem != NULL)
		errx(EX_USAGE, "%s: %s", text, problem);
	return n;
}

int
main(int argc, char *argv[])
{
	const char *path = "/events?cursor=0", *database = NULL;
	long events = 0, replayed = 0;
	int64_t start;
	int ch, port;

	sub.count = 1;
	while ((ch = getopt(argc, argv, "c:d:n:p:r:t")) != -1)
		switch (ch) {
		case 'c':
			sub.count = number(optarg, 10000);
			break;
		case 'd':
			database = optarg;
			break;
		case 'n':
			events = number(optarg, 100000);
			break;
		case 'p':
			path = optarg;
			break;
		case 'r':
			replayed = number(optarg, 100000000);
			break;
		case 't':
			sub.trigger = true;
			break;
		default:
			usage();
		}
	if (optind + 1 != argc)
		usage();
	port = (int)number(argv[optind], 65535);
	sub.epoll = epoll_create1(0);
	sub.conns = calloc((size_t)sub.count, sizeof(*sub.conns));
	if (sub.epoll == -1 || sub.conns == NULL)
		err(EX_OSERR, NULL);
	start = nanoseconds();
	for (long i = 0; i < sub.count; i++)
		dial(&sub.conns[i], port, path);
	for (long i = 0; i < sub.count; i++)
		frames(&sub.conns[i]);
	if (replayed > 0)
		replay((uint64_t)replayed, start);
	else if (events > 0)
		follow(db_path(database), events);
	else {
		/* idle until whoever started us has seen enough */
		puts("open");
		fflush(stdout);
		while (read(STDIN_FILENO, &ch, 1) > 0)
			continue;
	}
	return 0;
}
