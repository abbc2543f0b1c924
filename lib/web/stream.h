/* SPDX-License-Identifier: ISC */
/* A subscriber: the lines of a feed by WebSocket. */
#ifndef WEB_STREAM_H
#define WEB_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "web/feed.h"

#define STREAM_FDS 2

/*
 * After STREAM_ENDED the socket is to be closed with care, after STREAM_BROKEN
 * at once; after STREAM_REFUSED nothing was sent, and it wants a reply.
 */
enum stream_state { STREAM_OPEN, STREAM_ENDED, STREAM_BROKEN, STREAM_REFUSED };

struct stream;

/*
 * Send the lines of a feed that come after a position to a peer whose socket
 * stays the caller's, and before them, once it is known that there is
 * something to tell, the head of the reply.  early are bytes that came with
 * the request's head.  Messages name the connection by its number.
 */
struct stream *stream_new(int fd, const char *head, const char *early,
    size_t length, struct feed *feed, int64_t position, uint64_t number);
void stream_free(struct stream *stream);

/* After STREAM_REFUSED: the program's exit status, -1 if it has none. */
int stream_refusal(const struct stream *stream);

/*
 * Since when does it wait to start a program? Milliseconds of clock_ticks(),
 * INT64_MAX if it does not.
 */
int64_t stream_waits(const struct stream *stream);

/* Its turn has come.  Returns whether a program was to be started. */
bool stream_start(struct stream *stream);

/* Close the WebSocket with a code; its reader goes. */
void stream_close(struct stream *stream, int code);

/* Tell it that the process pid ended with a status of wait(2). */
void stream_exited(struct stream *stream, pid_t pid, int status);

/* Fill in what to poll(2) for. */
void stream_poll(const struct stream *stream, struct pollfd fds[STREAM_FDS]);

/* The time, of clock_ticks(), at which to run it though nothing was polled. */
int64_t stream_deadline(const struct stream *stream);

/* Do what can be done without waiting. */
enum stream_state
stream_run(struct stream *stream, const struct pollfd fds[STREAM_FDS]);

#endif
