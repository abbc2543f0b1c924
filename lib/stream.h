/* SPDX-License-Identifier: ISC */
/* The lines of a program, as the texts of a WebSocket. */
#ifndef STREAM_H
#define STREAM_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_FDS 2

/* After STREAM_ENDED the socket is to be closed with care, else at once. */
enum stream_state { STREAM_OPEN, STREAM_ENDED, STREAM_BROKEN };

/*
 * A WebSocket on a socket, which stays the caller's, for the lines of a
 * program, started for it; early are bytes that came with the head.  NULL,
 * the reason told, if it cannot be started.  Messages name the connection by
 * the number.
 */
struct stream;
struct stream *stream_new(int fd, const char *early, size_t,
    const char *const argv[], uint64_t number);
void stream_free(struct stream *);

/* Close the WebSocket with a code: the program goes. */
void stream_close(struct stream *, int code);

/* The program with this process id is no more. */
void stream_exited(struct stream *, int pid);

/* What to poll(2) for, by when at the latest, and what to do then. */
void stream_poll(const struct stream *, struct pollfd[STREAM_FDS]);
int64_t stream_deadline(const struct stream *);
enum stream_state stream_run(struct stream *, const struct pollfd[STREAM_FDS]);

#endif
