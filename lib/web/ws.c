/* SPDX-License-Identifier: ISC */
/* The server's end of a WebSocket (RFC 6455), on a socket that is polled. */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <nettle/sha1.h>
#include <wslay/wslay.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "data/base64.h"
#include "web/ws.h"

#define KEY_SIZE 16
#define MESSAGE_MAX 65536
#define READ_ONCE 4096 /* bounds the Pongs that one round can queue */

struct ws {
	wslay_event_context_ptr ctx;
	char *early;
	size_t early_length;
	size_t early_read;
	size_t budget;
	struct bytes rest; /* of a frame that went in part */
	int64_t moved;
	bool gone; /* the peer, or the way to it */
	int fd;
};

/* A browser names the page that asks; it must be of this very host. */
static bool
same_origin(const struct head *head)
{
	const char *host = head_field(head, "host"), *origin;

	for (size_t i = 0; i < head->fields; i++) {
		if (strcmp(head->name[i], "origin") != 0)
			continue;
		origin = strstr(head->value[i], "://");
		if (origin == NULL || host == NULL ||
		    strcasecmp(origin + 3, host) != 0)
			return false;
	}
	return true;
}

static bool
key_valid(const char *key)
{
	unsigned char raw[BASE64_DECODED(24)];
	size_t n;

	return key != NULL && strlen(key) == 24 &&
	    base64_decode(raw, &n, key, 24, 0) && n == KEY_SIZE;
}

int
ws_handshake(const struct head *head, char accept[WS_ACCEPT])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	const char *version, *key = head_field(head, "sec-websocket-key");
	struct sha1_ctx ctx;
	uint8_t digest[SHA1_DIGEST_SIZE];

	if (!head_has_word(head, "upgrade", "websocket") ||
	    !head_has_word(head, "connection", "upgrade") || head->length > 0)
		return 400;
	version = head_field(head, "sec-websocket-version");
	if (version == NULL || strcmp(version, "13") != 0)
		return 426;
	if (!key_valid(key))
		return 400;
	if (!same_origin(head))
		return 403;
	sha1_init(&ctx);
	sha1_update(&ctx, strlen(key), (const uint8_t *)key);
	sha1_update(&ctx, sizeof(guid) - 1, (const uint8_t *)guid);
	sha1_digest(&ctx, sizeof(digest), digest);
	accept[base64_encode(accept, digest, sizeof(digest), 0)] = '\0';
	return 0;
}

static ssize_t
stop(wslay_event_context_ptr ctx, int error)
{
	wslay_event_set_error(ctx, error);
	return -1;
}

static ssize_t
receive(wslay_event_context_ptr ctx, uint8_t *buf, size_t length, int flags,
    void *arg)
{
	struct ws *ws = arg;
	size_t early = ws->early_length - ws->early_read;
	ssize_t n;

	(void)flags;
	if (early > 0) {
		if (length > early)
			length = early;
		memcpy(buf, ws->early + ws->early_read, length);
		ws->early_read += length;
		return (ssize_t)length;
	}
	if (length > ws->budget)
		length = ws->budget;
	if (length == 0)
		return stop(ctx, WSLAY_ERR_WOULDBLOCK);
	n = recv(ws->fd, buf, length, MSG_DONTWAIT);
	if (n > 0) {
		ws->budget -= (size_t)n;
		return n;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return stop(ctx, WSLAY_ERR_WOULDBLOCK);
	ws->gone = true;
	return stop(ctx, WSLAY_ERR_CALLBACK_FAILURE);
}

static ssize_t
transmit(wslay_event_context_ptr ctx, const uint8_t *buf, size_t length,
    int flags, void *arg)
{
	struct ws *ws = arg;
	ssize_t n;

	n = send(ws->fd, buf, length,
	    MSG_DONTWAIT | MSG_NOSIGNAL |
		((flags & WSLAY_MSG_MORE) != 0 ? MSG_MORE : 0));
	if (n >= 0) {
		ws->moved = clock_ticks();
		return n;
	}
	if (errno == EAGAIN || errno == EINTR)
		return stop(ctx, WSLAY_ERR_WOULDBLOCK);
	return stop(ctx, WSLAY_ERR_CALLBACK_FAILURE);
}

/* A Close of one byte has half a code; wslay would answer it as if none. */
static void
begin_frame(wslay_event_context_ptr ctx,
    const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
	(void)arg;
	if (frame->opcode == WSLAY_CONNECTION_CLOSE &&
	    frame->payload_length == 1)
		wslay_event_queue_close(
		    ctx, WSLAY_CODE_PROTOCOL_ERROR, NULL, 0);
}

struct ws *
ws_new(int fd, const char *early, size_t length)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = receive,
		.send_callback = transmit,
		.on_frame_recv_start_callback = begin_frame,
	};
	struct ws *ws = xcalloc(1, sizeof(*ws));

	ws->early = xmalloc(length + 1);
	if (wslay_event_context_server_init(&ws->ctx, &callbacks, ws) != 0)
		mem_refused();
	memcpy(ws->early, early, length);
	ws->early_length = length;
	ws->fd = fd;
	ws->moved = clock_ticks();
	wslay_event_config_set_max_recv_msg_length(ws->ctx, MESSAGE_MAX);
	return ws;
}

void
ws_free(struct ws *ws)
{
	if (ws == NULL)
		return;
	wslay_event_context_free(ws->ctx);
	bytes_free(&ws->rest);
	free(ws->early);
	free(ws);
}

static void
queue(struct ws *ws, uint8_t opcode, const char *text, size_t length)
{
	struct wslay_event_msg msg = { opcode, (const uint8_t *)text, length };

	if (ws_idle(ws))
		ws->moved = clock_ticks();
	if (wslay_event_queue_msg(ws->ctx, &msg) == WSLAY_ERR_NOMEM)
		mem_refused();
}

void
ws_text(struct ws *ws, const char *text, size_t length)
{
	queue(ws, WSLAY_TEXT_FRAME, text, length);
}

void
ws_ping(struct ws *ws)
{
	queue(ws, WSLAY_PING, NULL, 0);
}

void
ws_close(struct ws *ws, int code, const char *reason)
{
	wslay_event_queue_close(ws->ctx, (uint16_t)code,
	    (const uint8_t *)reason, reason == NULL ? 0 : strlen(reason));
}

size_t
ws_head(char head[WS_HEAD], size_t length)
{
	size_t bytes = length < 126 ? 0 : length < 65536 ? 2 : 8;

	head[0] = (char)(0x80 | WSLAY_TEXT_FRAME);
	head[1] = (char)(bytes == 0 ? length : bytes == 2 ? 126 : 127);
	for (size_t i = 0; i < bytes; i++)
		head[2 + i] = (char)(length >> (8 * (bytes - 1 - i)));
	return 2 + bytes;
}

/* The length of the frame that one of ws_head() begins. */
static size_t
frame_length(const char *frame)
{
	size_t length = (unsigned char)frame[1], bytes;

	if (length < 126)
		return 2 + length;
	bytes = length == 126 ? 2 : 8;
	length = 0;
	for (size_t i = 0; i < bytes; i++)
		length = length << 8 | (unsigned char)frame[2 + i];
	return 2 + bytes + length;
}

bool
ws_idle(const struct ws *ws)
{
	return ws->rest.length == 0 && !wslay_event_want_write(ws->ctx);
}

size_t
ws_frames(struct ws *ws, const char *frames, size_t length)
{
	size_t whole = 0;
	ssize_t n;

	if (!ws_idle(ws))
		return 0;
	n = send(ws->fd, frames, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n <= 0)
		return 0;
	ws->moved = clock_ticks();
	while (whole < (size_t)n)
		whole += frame_length(frames + whole);
	bytes_add(&ws->rest, frames + n, whole - (size_t)n);
	return whole;
}

/* Send the rest of a frame; false if there is no way to the peer. */
static bool
send_rest(struct ws *ws)
{
	ssize_t n;

	if (ws->rest.length == 0)
		return true;
	n = send(ws->fd, ws->rest.text, ws->rest.length,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	ws->moved = clock_ticks();
	bytes_drop(&ws->rest, (size_t)n);
	return true;
}

bool
ws_run(struct ws *ws)
{
	static const uint8_t malformed[] = { 0x88, 2, 1002 >> 8, 1002 & 0xff };
	bool over;

	if (!send_rest(ws))
		return false;
	if (ws->rest.length > 0)
		return true;
	if (wslay_event_send(ws->ctx) != 0)
		return false;
	ws->budget = READ_ONCE;
	if (wslay_event_want_read(ws->ctx) &&
	    !wslay_event_want_write(ws->ctx)) {
		over = wslay_event_recv(ws->ctx) != 0;
		/* To a frame it cannot read wslay has a Close without a code.
		 */
		if (over && !ws->gone && !wslay_event_get_close_sent(ws->ctx)) {
			send(ws->fd, malformed, sizeof(malformed),
			    MSG_DONTWAIT | MSG_NOSIGNAL);
			return false;
		}
		/* Malformed frames leave a Close to send. */
		if (wslay_event_send(ws->ctx) != 0 || over)
			return false;
	}
	return wslay_event_want_read(ws->ctx) ||
	    wslay_event_want_write(ws->ctx);
}

short
ws_events(const struct ws *ws)
{
	return ws_idle(ws) ? POLLIN : POLLOUT;
}

size_t
ws_waiting(const struct ws *ws)
{
	return wslay_event_get_queued_msg_length(ws->ctx);
}

int64_t
ws_moved(const struct ws *ws)
{
	return ws->moved;
}
