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
 * After STREAM_ENDED the caller closes the socket when the peer has read all,
 * after STREAM_BROKEN at once; after STREAM_REFUSED nothing was sent yet, and
 * the caller sends a reply.
 */
enum stream_state { STREAM_OPEN, STREAM_ENDED, STREAM_BROKEN, STREAM_REFUSED };

struct stream;

/*
 * Make a stream, which sends the lines of feed after a position to the peer of
 * the socket fd, which stays the caller's, and before them, once it is known
 * that there are lines, head, the head of the reply.  early are length bytes
 * that came behind the request's head.  Messages name the connection by its
 * number.
 */
struct stream *stream_new(int fd, const char *head, const char *early,
    size_t length, struct feed *feed, int64_t position, uint64_t number);
void stream_free(struct stream *stream);

/* After STREAM_REFUSED, return the exit status, -1 if it did not exit. */
int stream_refusal(const struct stream *stream);

/*
 * Return since when the stream has waited to start a program: milliseconds of
 * clock_ticks(), INT64_MAX if it does not wait.
 */
int64_t stream_waits(const struct stream *stream);

/*
 * Start a program for the stream, unless that of the feed serves it.  Returns
 * whether a program was to be started.
 */
bool stream_start(struct stream *stream);

/* Close the WebSocket with a code, and stop its reader. */
void stream_close(struct stream *stream, int code);

/* Tell the stream that the process pid ended with a status of wait(2). */
void stream_exited(struct stream *stream, pid_t pid, int status);

/* Set fds to what to poll(2) for. */
void stream_poll(const struct stream *stream, struct pollfd fds[STREAM_FDS]);

/* Return when, by clock_ticks(), to call stream_run() at the latest. */
int64_t stream_deadline(const struct stream *stream);

/* Do what can be done without waiting, after poll(2) of fds. */
enum stream_state
stream_run(struct stream *stream, const struct pollfd fds[STREAM_FDS]);

#endif
