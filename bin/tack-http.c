/* SPDX-License-Identifier: ISC */
/* Answer HTTP: webhooks by a pipeline of filters, events by WebSocket. */
#include <sys/resource.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/setting.h"
#include "web/conn.h"
#include "web/feed.h"
#include "web/listen.h"
#include "web/pipeline.h"
#include "web/request.h"
#include "web/server.h"
#include "web/ws.h"

#define GREET_TIME 1000 /* ms to wait for the filters at the start */

static struct {
	int64_t body_max;
	size_t conns_max;
	const char *pipeline;
	const char *owner;
} config = {
	.body_max = 1024 * 1024,
	.conns_max = 1024,
};

static struct pipeline *pipeline;
static struct server *server;
static struct feed_set *feeds;

static void
usage(void)
{
	fprintf(stderr,
	    "usage: tack-http [-b bytes] [-l address:port]"
	    " [-m connections] [-p pipeline]\n"
	    "       tack-http -n\n");
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
	struct conn *c = server_waiting(server, request_number(id, length));

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
static void
pipeline_ended(void)
{
	server_refuse(server, 503, "pipeline ended");
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

/* The position of an event's line: it begins with when it was created. */
static int64_t
event_position(const char *line, size_t length)
{
	static const char begin[] = "{\"created\":";
	size_t n = strlen(begin);

	if (length <= n || strncmp(line, begin, n) != 0)
		return FEED_START;
	return strtoll(line + n, NULL, 10);
}

/* The position after which the cursor of a query has events. */
static int64_t
cursor(const char *query)
{
	size_t length, sign, digits;

	for (; *query != '\0'; query += length) {
		query += *query == '&';
		length = strcspn(query, "&");
		if (strncmp(query, "cursor=", 7) != 0)
			continue;
		sign = query[7] == '-';
		digits = strspn(query + 7 + sign, "0123456789");
		if (digits > 0 && 7 + sign + digits == length)
			return strtoll(query + 7, NULL, 10);
	}
	return FEED_START;
}

/* The value to accept a WebSocket with; else false, refused. */
static bool
accepts(struct conn *c, const struct head *head, char key[WS_ACCEPT])
{
	int status = ws_handshake(head, key);

	if (status == 0)
		return true;
	if (status != 426) {
		conn_refuse(c, status, "WebSocket handshake");
		return false;
	}
	conn_tell(c, "426: WebSocket version");
	conn_reply(c, 426,
	    "Sec-WebSocket-Version: 13\r\n"
	    "Upgrade: websocket\r\n",
	    "");
	return false;
}

/* Is there room for a stream more? Else false, refused. */
static bool
has_room(struct conn *c)
{
	if (server_streams(server) < (config.conns_max * 3 + 3) / 4)
		return true;
	conn_refuse(c, 503, "too many streams");
	return false;
}

static void
route_events(struct conn *c, const struct head *head)
{
	static const char *const argv[] = { "tack-events", NULL };
	static const struct feed_source events = { argv, event_position, NULL };
	char key[WS_ACCEPT];

	if (accepts(c, head, key) && has_room(c))
		conn_stream(
		    c, key, feed_set_find(feeds, &events), cursor(head->query));
}

static bool
upgrades(const struct head *head)
{
	const char *upgrade = head_field(head, "upgrade");

	return upgrade != NULL && strcasestr(upgrade, "websocket") != NULL;
}

/* The log of the knot, rkey and workflow that the path names. */
static void
route_logs(struct conn *c, const struct head *head)
{
	bool follow = upgrades(head), named = true;
	const char *argv[] = { "tack-logs", follow ? "-bf" : "-b", "--", NULL,
		NULL, NULL, NULL };
	const struct feed_source log = { argv, NULL, "log stream complete" };
	const char *path = head->path + strlen("/logs");
	char *name[3], key[WS_ACCEPT];

	if ((follow && !accepts(c, head, key)) || !has_room(c))
		return;
	for (size_t i = 0; i < 3; i++) {
		argv[3 + i] = name[i] = head_segment(&path);
		named = named && name[i] != NULL;
	}
	if (!named || *path != '\0')
		conn_refuse(c, 400, "not a knot, rkey and workflow");
	else if (follow)
		conn_stream(c, key, feed_set_find(feeds, &log), 0);
	else
		conn_print(c, "application/x-ndjson", argv);
	for (size_t i = 0; i < 3; i++)
		free(name[i]);
}

/* There is nothing to stream, as the exit status of a streamer says. */
static void
refused(struct conn *c, int status)
{
	if (status == EX_NOINPUT) {
		conn_tell(c, "404: no such log");
		conn_reply(c, 404, "Content-Type: text/plain\r\n",
		    "There is no log of such a run: it is not known here yet,"
		    " or no longer.\n");
	} else
		conn_refuse(c, 503, "tack-logs failed");
}

static void
route_webhook(struct conn *c, const struct head *head)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	const char *name = head->path + strlen("/webhooks/");
	size_t n = strspn(name, legal);

	if (n == 0 || n > 32 || name[n] != '\0' || strchr("_-", *name) != NULL)
		conn_refuse(c, 404, "no such path");
	else if (head->length == -1)
		conn_refuse(c, 411, "no length");
	else
		conn_take(c);
}

static const char json[] = "Content-Type: application/json\r\n"
			   "Access-Control-Allow-Origin: *\r\n";

static void
route_owner(struct conn *c, const struct head *head)
{
	char *text;

	(void)head;
	if (config.owner == NULL) {
		conn_tell(c, "500: TACK_OWNER_DID is not set");
		conn_reply(c, 500, json,
		    "{\"error\":\"OwnerNotFound\","
		    "\"message\":\"owner not set for this service\"}\n");
		return;
	}
	text = xasprintf("{\"owner\":\"%s\"}\n", config.owner);
	conn_reply(c, 200, json, text);
	free(text);
}

static void
route_root(struct conn *c, const struct head *head)
{
	(void)head;
	conn_reply(c, 200, "Content-Type: text/plain\r\n",
	    "This is tack, a spindle for Tangled.\n");
}

static void
route_health(struct conn *c, const struct head *head)
{
	(void)head;
	conn_reply(c, 200, "Content-Type: text/plain\r\n", "ok\n");
}

/* What is served, where. */
static const struct route {
	const char *path;
	const char *rest; /* of the path, in words; NULL if that is all */
	const char *methods;
	bool upgrades; /* to a WebSocket */
	void (*serve)(struct conn *, const struct head *);
} routes[] = {
	{ "/", NULL, "GET, HEAD", false, route_root },
	{ "/events", NULL, "GET", true, route_events },
	{ "/healthz", NULL, "GET, HEAD", false, route_health },
	{ "/logs/", "KNOT/RKEY/WORKFLOW", "GET", true, route_logs },
	{ "/webhooks/", "PROVIDER", "POST", false, route_webhook },
	{ "/xrpc/sh.tangled.owner", NULL, "GET, HEAD", false, route_owner },
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

static void
print_routes(void)
{
	for (const struct route *r = routes; r < routes + ROUTES; r++)
		printf("%s%s\t%s%s\n", r->path, r->rest != NULL ? r->rest : "",
		    r->methods, r->upgrades ? "\tWebSocket" : "");
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "stdout");
}

static bool
leads_to(const struct route *r, const char *path)
{
	return r->rest != NULL ? strncmp(path, r->path, strlen(r->path)) == 0 :
				 strcmp(path, r->path) == 0;
}

static bool
takes(const struct route *r, const char *method)
{
	size_t length = strlen(method), n;

	for (const char *m = r->methods; *m != '\0'; m += n) {
		m += strspn(m, ", ");
		n = strcspn(m, ",");
		if (n == length && strncmp(m, method, n) == 0)
			return true;
	}
	return false;
}

static void
route(struct conn *c, const struct head *head)
{
	const struct route *r = routes;

	while (r < routes + ROUTES && !leads_to(r, head->path))
		r++;
	if (head->length > config.body_max)
		conn_refuse(c, 413, "body too large");
	else if (r < routes + ROUTES && takes(r, head->method))
		r->serve(c, head);
	else if (r < routes + ROUTES)
		refuse_method(c, r->methods);
	else if (strncmp(head->path, "/xrpc/", 6) == 0) {
		conn_tell(c, "404: no such method");
		conn_reply(c, 404, json,
		    "{\"error\":\"MethodNotImplemented\","
		    "\"message\":\"no such method\"}\n");
	} else
		conn_refuse(c, 404, "no such path");
}

static void
configure(void)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    ".:%_-";
	struct rlimit limit;

	config.owner = setting_text("TACK_OWNER_DID");
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

int
main(int argc, char *argv[])
{
	static const struct conn_handler handler = { route, submit, refused };
	/* What is settled passes through every filter, and means nothing. */
	static const char settled[] = "{\"outcome\":\"ignored\","
				      "\"reason\":\"tack-http begins\"}\n";
	const char *address = NULL;
	int ch, fd, listener = -1;

	while ((ch = getopt(argc, argv, "b:l:m:np:")) != -1)
		switch (ch) {
		case 'b':
			config.body_max =
			    setting_argument("-b", optarg, 1, 1 << 30);
			break;
		case 'l':
			address = optarg;
			break;
		case 'm':
			config.conns_max =
			    (size_t)setting_argument("-m", optarg, 1, 1 << 20);
			break;
		case 'n':
			print_routes();
			return 0;
		case 'p':
			config.pipeline = optarg;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();

	configure();
	if ((fd = listen_find(address)) == -1)
		usage();
	server = server_new(&handler, config.conns_max);
	feeds = feed_set_new();
	if (listen_is(fd)) {
		listener = fd;
		if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
			err(EX_OSERR, "descriptor %d", fd);
	}
	pipeline = pipeline_new(
	    config.pipeline, listener == -1, answer, pipeline_ended);
	if (listener != -1) {
		pipeline_start(pipeline);
		if (config.pipeline == NULL)
			pipeline_greet(pipeline, settled, GREET_TIME);
		listen_tell(fd);
	} else
		server_add(server, fd, true);
	server_run(server, pipeline, feeds, listener);
	feed_set_free(feeds);
	return 0;
}
