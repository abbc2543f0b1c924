/* SPDX-License-Identifier: ISC */
/* A connection that asks by HTTP, from its first byte to its end. */
#ifndef WEB_CONN_H
#define WEB_CONN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "web/feed.h"
#include "web/head.h"

#define CONN_FDS 2

struct conn;

/*
 * What a server does with requests.  Each function must end by calling one of
 * those that are named with it; the head lives until the reply has begun.
 */
struct conn_handler {
	/*
	 * The head is whole: conn_reply, conn_refuse, conn_take, conn_stream
	 * or conn_print.
	 */
	void (*head)(struct conn *conn, const struct head *head);
	/*
	 * The body, for which conn_take was called, is whole: conn_reply,
	 * conn_refuse or conn_wait.
	 */
	void (*body)(struct conn *conn, const struct head *head,
	    const char *body, size_t length);
	/*
	 * The program that conn_stream or conn_print wanted had nothing to
	 * tell and exited with a status, -1 if it has none: conn_reply or
	 * conn_refuse.
	 */
	void (*refused)(struct conn *conn, int status);
};

/*
 * Make a connection of a connected socket, which is the connection's from now
 * on.  With once it has a single request.
 */
struct conn *conn_new(int fd, const struct conn_handler *handler, bool once);

/* Close the socket, and end the programs that run for it alone. */
void conn_free(struct conn *conn);

/*
 * Write a line to standard error: the number of the request and what.  It
 * must have nothing that a stranger sent.
 */
void conn_tell(const struct conn *conn, const char *what);

/*
 * Reply with a status, fields, each of which CR LF ends, and text as the
 * body.  After a status of 400 or more the connection is closed.
 */
void
conn_reply(struct conn *conn, int status, const char *fields, const char *text);

/* Reply with a status alone, and tell why; 503 says when to try again. */
void conn_refuse(struct conn *conn, int status, const char *why);

/* Read the body; the head must have its length. */
void conn_take(struct conn *conn);

/*
 * Wait, for ten seconds, until conn_reply is called from elsewhere.  Returns
 * the number of the request.
 */
uint64_t conn_wait(struct conn *conn);

/* Does a request wait, as conn_wait has it? */
bool conn_waits(const struct conn *conn);

/* Is it the request of this number that waits? */
bool conn_waits_for(const struct conn *conn, uint64_t number);

/*
 * Become a WebSocket that sends the lines of a feed after a position.  accept
 * is the value of Sec-WebSocket-Accept.
 */
void conn_stream(
    struct conn *conn, const char *accept, struct feed *feed, int64_t position);

/*
 * Reply with a body of a media type, the lines that a program prints until it
 * ends.  Its first line, which is not sent, says that there is something.
 */
void conn_print(struct conn *conn, const char *type, const char *const argv[]);

/* Is it one that asks for, or has, lines of a program? */
bool conn_streams(const struct conn *conn);

/*
 * Since when does it wait for its turn to start a program? Milliseconds of
 * clock_ticks(), INT64_MAX if it does not wait.
 */
int64_t conn_waits_to_start(const struct conn *conn);

/*
 * Its turn has come.  Returns whether a program was to be started: for a peer
 * that has hung up none is.
 */
bool conn_start(struct conn *conn);

/* Tell it that the process pid ended with a status of wait(2). */
void conn_exited(struct conn *conn, pid_t pid, int status);

/*
 * The server ends: close a stream, and a connection that has said nothing;
 * what else has begun is the last request.
 */
void conn_wind_up(struct conn *conn);

/*
 * Make room for another connection, if this one has yet to say its request or
 * only waits for the peer to close.  Returns whether it goes.
 */
bool conn_evict(struct conn *conn);

/* Is it over, so that it can be freed? */
bool conn_dead(const struct conn *conn);

/* Fill in what to poll(2) for. */
void conn_poll(const struct conn *conn, struct pollfd fds[CONN_FDS]);

/* The time, of clock_ticks(), at which to run it though nothing was polled. */
int64_t conn_deadline(const struct conn *conn);

/* Do what can be done without waiting, after poll(2). */
void conn_run(struct conn *conn, const struct pollfd fds[CONN_FDS]);

#endif
