/* SPDX-License-Identifier: ISC */
/* The lines of a program, as a WebSocket or as the body of a reply. */
#ifndef WEB_STREAM_H
#define WEB_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_FDS 2

/*
 * After STREAM_ENDED the socket is to be closed with care, after STREAM_BROKEN
 * at once; after STREAM_REFUSED nothing has been sent, and it wants a reply.
 */
enum stream_state { STREAM_OPEN, STREAM_ENDED, STREAM_BROKEN, STREAM_REFUSED };

/* How the lines travel. */
struct stream_kind {
	enum { STREAM_WS, STREAM_CHUNKS, STREAM_BARE } form;
	/* What to say in the Close when the program ends well; NULL if it
	 * should not end. */
	const char *complete;
	/*
	 * Its first line, which goes nowhere, says that there is something to
	 * stream.  Before it nothing is sent; without it, the stream is
	 * refused.
	 */
	bool announced;
};

/*
 * Start a program, whose lines go out on a socket, which stays the caller's,
 * after the HTTP head, which is copied; early are bytes that came with the
 * request's head.  NULL, the reason told, if it cannot be started.  Messages
 * name the connection by the number.
 */
struct stream;
struct stream *stream_new(struct stream_kind, int fd, const char *head,
    const char *early, size_t, const char *const argv[], uint64_t number);
void stream_free(struct stream *);

/* After STREAM_REFUSED: the program's exit status, -1 if it has none. */
int stream_refusal(const struct stream *);

/* Close the WebSocket with a code, or break off: the program goes. */
void stream_close(struct stream *, int code);

/* The program with this process id is no more; how, as wait(2) tells. */
void stream_exited(struct stream *, int pid, int status);

/* What to poll(2) for, by when at the latest, and what to do then. */
void stream_poll(const struct stream *, struct pollfd[STREAM_FDS]);
int64_t stream_deadline(const struct stream *);
enum stream_state stream_run(struct stream *, const struct pollfd[STREAM_FDS]);

#endif
