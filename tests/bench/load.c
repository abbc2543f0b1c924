/* SPDX-License-Identifier: ISC */
/* Send signed webhooks, each of another build, and time the answers. */
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <nettle/hmac.h>

#define HEAD_SIZE 512
#define ANSWER_SIZE 4096
#define ID "\"build\":{\"id\":\""
#define ID_SIZE 36
#define RKEY "\"tack:pipeline_rkey\":\""
#define RKEY_SIZE 13

struct conn {
	int fd;
	bool waits; /* for room to send */
	uint32_t number; /* of the request under way */
	double start;
	size_t sent, size, got;
	char *text; /* the request */
	char answer[ANSWER_SIZE + 1];
};

static struct {
	struct sockaddr_in to;
	const char *path;
	bool keep;
	char *body;
	size_t size, id, rkey; /* the body's, and where the names stand in it */
	uint32_t nonce;
	int64_t at;
	uint32_t wanted, begun, answered, failed, opened;
	unsigned char (*mac)[SHA256_DIGEST_SIZE];
	uint32_t *micros;
	double deadline;
	int epoll;
} load;

static void
usage(void)
{
	fputs("usage: load [-k] [-b body] [-c connections] [-d seconds]"
	      " [-n requests]\n            [-p path] [-s secret] port\n",
	    stderr);
	exit(EX_USAGE);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t
find(const char *what)
{
	const char *at = memmem(load.body, load.size, what, strlen(what));

	if (at == NULL)
		errx(EX_DATAERR, "the body has no %s", what);
	return (size_t)(at - load.body) + strlen(what);
}

static void
read_body(const char *path)
{
	FILE *f = fopen(path, "r");

	if (f == NULL || (load.body = malloc(1 << 20)) == NULL)
		err(EX_NOINPUT, "%s", path);
	load.size = fread(load.body, 1, 1 << 20, f);
	fclose(f);
	load.id = find(ID);
	load.rkey = find(RKEY);
}

/* Give a body the names of build i. */
static void
name(char *body, uint32_t i)
{
	static const char digits[] = "234567abcdefghijklmnopqrstuvwxyz";
	uint64_t n = (uint64_t)load.nonce << 32 | i;
	char id[ID_SIZE + 1], *rkey = body + load.rkey;

	snprintf(id, sizeof(id), "%08x-0000-4000-8000-%012x", load.nonce, i);
	memcpy(body + load.id, id, ID_SIZE);
	memset(rkey, '3', RKEY_SIZE);
	for (size_t d = RKEY_SIZE; d > 0 && n > 0; d--, n >>= 5)
		rkey[d - 1] = digits[n & 31];
}

/* The signatures, before the clock runs. */
static void
sign(const char *secret)
{
	struct hmac_sha256_ctx keyed, ctx;
	char at[32];
	int n;

	load.at = time(NULL);
	n = snprintf(at, sizeof(at), "%lld.", (long long)load.at);
	load.mac = calloc(load.wanted, sizeof(*load.mac));
	load.micros = calloc(load.wanted, sizeof(*load.micros));
	if (load.mac == NULL || load.micros == NULL)
		err(EX_OSERR, NULL);
	hmac_sha256_set_key(&keyed, strlen(secret), (const uint8_t *)secret);
	for (uint32_t i = 0; i < load.wanted; i++) {
		name(load.body, i);
		ctx = keyed;
		hmac_sha256_update(&ctx, (size_t)n, (uint8_t *)at);
		hmac_sha256_update(&ctx, load.size, (uint8_t *)load.body);
		hmac_sha256_digest(&ctx, SHA256_DIGEST_SIZE, load.mac[i]);
	}
}

static void
watch(struct conn *c, int op, bool room)
{
	struct epoll_event e = { .events = room ? EPOLLOUT : EPOLLIN,
		.data.ptr = c };

	c->waits = room;
	if (epoll_ctl(load.epoll, op, c->fd, &e) == -1)
		err(EX_OSERR, "epoll");
}

static void
dial(struct conn *c)
{
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd == -1)
		err(EX_OSERR, "socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&load.to, sizeof(load.to)) ==
		-1 &&
	    errno != EINPROGRESS)
		err(EX_UNAVAILABLE, "connect");
	load.opened++;
	watch(c, EPOLL_CTL_ADD, false);
}

static void
compose(struct conn *c)
{
	char hex[2 * SHA256_DIGEST_SIZE + 1];
	int n;

	for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", load.mac[c->number][i]);
	n = snprintf(c->text, HEAD_SIZE,
	    "POST %s HTTP/1.1\r\n"
	    "Host: localhost\r\n"
	    "Content-Type: application/json\r\n"
	    "%s"
	    "X-Buildkite-Signature: timestamp=%lld,signature=%s\r\n"
	    "Content-Length: %zu\r\n"
	    "\r\n",
	    load.path, load.keep ? "" : "Connection: close\r\n",
	    (long long)load.at, hex, load.size);
	if (n < 0 || n >= HEAD_SIZE)
		errx(EX_USAGE, "path too long");
	memcpy(c->text + n, load.body, load.size);
	name(c->text + n, c->number);
	c->size = (size_t)n + load.size;
	c->sent = c->got = 0;
}

static void
hang_up(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
}

static bool next(struct conn *);

static void
fail(struct conn *c, const char *why)
{
	if (load.failed++ == 0)
		warnx("request %u: %s", c->number, why);
	load.answered++;
	hang_up(c);
}

static void
push(struct conn *c)
{
	ssize_t n =
	    send(c->fd, c->text + c->sent, c->size - c->sent, MSG_NOSIGNAL);

	if (n == -1 && errno != EAGAIN) {
		fail(c, strerror(errno));
		next(c);
		return;
	}
	c->sent += n == -1 ? 0 : (size_t)n;
	if (c->waits != (c->sent < c->size))
		watch(c, EPOLL_CTL_MOD, c->sent < c->size);
}

/* Begin another request, if there is one to begin. */
static bool
next(struct conn *c)
{
	if (load.begun == load.wanted || seconds() >= load.deadline) {
		if (c->fd != -1)
			hang_up(c);
		return false;
	}
	c->number = load.begun++;
	compose(c);
	c->start = seconds();
	if (c->fd == -1)
		dial(c);
	push(c);
	return true;
}

/* A field of the answer's head, or NULL. */
static const char *
field(const char *head, const char *key)
{
	const char *line = head;

	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, key, strlen(key)) == 0 &&
		    line[strlen(key)] == ':')
			return line + strlen(key) + 1 +
			    strspn(line + strlen(key) + 1, " ");
	}
	return NULL;
}

/* Is the answer whole?  Without a length it ends with the connection. */
static bool
whole(const char *answer, size_t got, bool ended)
{
	const char *end = strstr(answer, "\r\n\r\n"), *length;

	if (end == NULL)
		return false;
	if ((length = field(answer, "Content-Length")) == NULL)
		return ended || strncmp(answer + 9, "204", 3) == 0;
	return got >= (size_t)(end + 4 - answer) + strtoul(length, NULL, 10);
}

static void
pull(struct conn *c)
{
	const char *connection;
	ssize_t n = recv(c->fd, c->answer + c->got, ANSWER_SIZE - c->got, 0);
	char line[32];

	if (n == -1 && errno == EAGAIN)
		return;
	c->got += n > 0 ? (size_t)n : 0;
	c->answer[c->got] = '\0';
	if (!whole(c->answer, c->got, n <= 0)) {
		if (n > 0 && c->got < ANSWER_SIZE)
			return;
		fail(c, n == -1 ? strerror(errno) : "no whole answer");
		next(c);
		return;
	}
	load.micros[c->number] = (uint32_t)((seconds() - c->start) * 1e6);
	if (c->answer[9] != '2') {
		snprintf(line, sizeof(line), "%.20s", c->answer);
		fail(c, line);
		next(c);
		return;
	}
	load.answered++;
	connection = field(c->answer, "Connection");
	if (!load.keep || n == 0 ||
	    (connection != NULL && strncasecmp(connection, "close", 5) == 0))
		hang_up(c);
	next(c);
}

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* In milliseconds. */
static double
percentile(uint32_t n, double share)
{
	return n == 0 ? 0 : load.micros[(uint32_t)(share * (n - 1))] / 1e3;
}

static void
report(double took)
{
	uint32_t n = load.begun;

	qsort(load.micros, n, sizeof(*load.micros), ascending);
	printf("rate=%.0f p50=%.3f p99=%.3f max=%.3f ok=%u failed=%u opened=%u"
	       " seconds=%.2f\n",
	    (load.answered - load.failed) / took, percentile(n, 0.5),
	    percentile(n, 0.99), percentile(n, 1), load.answered - load.failed,
	    load.failed, load.opened, took);
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

static void
run(struct conn *conns, long count)
{
	struct epoll_event events[64];
	int n;

	for (long i = 0; i < count; i++)
		next(&conns[i]);
	while (load.answered < load.begun) {
		n = epoll_wait(load.epoll, events, 64, 30000);
		if (n == 0)
			errx(EX_UNAVAILABLE, "no answer for 30 seconds");
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c->waits)
				push(c);
			else
				pull(c);
		}
	}
}

int
main(int argc, char *argv[])
{
	const char *body = "tests/data/buildkite/webhook-build-running.json";
	const char *secret = "29b1ff5779c76bd48ba6705eb99ff970";
	long count = 1, limit = 3600;
	struct conn *conns;
	double start;
	int ch;

	load.path = "/webhooks/buildkite";
	load.wanted = 1000;
	while ((ch = getopt(argc, argv, "b:c:d:kn:p:s:")) != -1)
		switch (ch) {
		case 'b':
			body = optarg;
			break;
		case 'c':
			count = number(optarg, 10000);
			break;
		case 'd':
			limit = number(optarg, 3600);
			break;
		case 'k':
			load.keep = true;
			break;
		case 'n':
			load.wanted = (uint32_t)number(optarg, 10000000);
			break;
		case 'p':
			load.path = optarg;
			break;
		case 's':
			secret = optarg;
			break;
		default:
			usage();
		}
	if (optind + 1 != argc)
		usage();
	load.to.sin_family = AF_INET;
	load.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	load.to.sin_port = htons((uint16_t)number(argv[optind], 65535));
	if (getrandom(&load.nonce, sizeof(load.nonce), 0) == -1)
		err(EX_OSERR, NULL);
	read_body(body);
	sign(secret);
	conns = calloc((size_t)count, sizeof(*conns));
	load.epoll = epoll_create1(0);
	if (conns == NULL || load.epoll == -1)
		err(EX_OSERR, NULL);
	for (long i = 0; i < count; i++) {
		conns[i].fd = -1;
		if ((conns[i].text = malloc(HEAD_SIZE + load.size)) == NULL)
			err(EX_OSERR, NULL);
	}
	start = seconds();
	load.deadline = start + (double)limit;
	run(conns, count);
	report(seconds() - start);
	return load.failed == 0 ? 0 : 1;
}
