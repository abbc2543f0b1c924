/* SPDX-License-Identifier: ISC */
/* The server's end of a WebSocket (RFC 6455), on a socket that is polled. */
#ifndef WEB_WS_H
#define WEB_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/head.h"

#define WS_ACCEPT 29 /* bytes of Sec-WebSocket-Accept, with the NUL */
#define WS_HEAD 10 /* bytes of a frame's head, at most */

/*
 * Check a request to open a WebSocket.  Returns 0 and sets accept to the value
 * of Sec-WebSocket-Accept, or returns the status to refuse the request with:
 * 400, 403 for an Origin that is not the Host, 426 for a version other than 13.
 */
int ws_handshake(const struct head *head, char accept[WS_ACCEPT]);

/* An open WebSocket. None of its functions waits. */
struct ws;

/*
 * Make a WebSocket of the socket fd, which stays the caller's.  early are
 * length bytes that came with the head; they are copied.
 */
struct ws *ws_new(int fd, const char *early, size_t length);
void ws_free(struct ws *ws);

/*
 * Write the head of the frame of a whole text of length bytes: head and text
 * are a frame as every peer gets it.  Returns the length of the head.
 */
size_t ws_head(char head[WS_HEAD], size_t length);

/*
 * Send frames, of length bytes, as far as the socket takes them at once, and
 * only if nothing is queued.  Returns the number of bytes that were sent or
 * queued, which are whole frames: the rest of the last one is queued.
 */
size_t ws_frames(struct ws *ws, const char *frames, size_t length);

/* Queue a text of length bytes, which is copied. */
void ws_text(struct ws *ws, const char *text, size_t length);

/* Queue a Ping. */
void ws_ping(struct ws *ws);

/* Queue a Close with a code and a reason, which may be NULL. */
void ws_close(struct ws *ws, int code, const char *reason);

/*
 * Send what is queued and, when all is sent, read: Pings and Closes are
 * answered, data is discarded.  Returns false when the WebSocket is over.
 */
bool ws_run(struct ws *ws);

/* Return the events to poll(2) the socket for. */
short ws_events(const struct ws *ws);

/* Is nothing queued? */
bool ws_idle(const struct ws *ws);

/* Return the number of bytes of texts that are queued. */
size_t ws_waiting(const struct ws *ws);

/* Return when, by clock_ticks(), bytes last left or began to wait. */
int64_t ws_moved(const struct ws *ws);

#endif
