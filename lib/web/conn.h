/* SPDX-License-Identifier: ISC */
/* The server's end of an HTTP connection, from its first byte to its end. */
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
 * The functions by which a server handles requests.  Each must end by calling
 * one of the functions that its comment names.  head lives until the reply has
 * begun.
 */
struct conn_handler {
	/*
	 * Called when the head is whole: calls conn_reply, conn_refuse,
	 * conn_take, conn_stream or conn_print.
	 */
	void (*head)(struct conn *conn, const struct head *head);
	/*
	 * Called when the body, for which conn_take was called, is whole: calls
	 * conn_reply, conn_refuse or conn_wait.
	 */
	void (*body)(struct conn *conn, const struct head *head,
	    const char *body, size_t length);
	/*
	 * Called when the program for conn_stream or conn_print ended without a
	 * line, with its exit status, -1 if it did not exit: calls conn_reply
	 * or conn_refuse.
	 */
	void (*refused)(struct conn *conn, int status);
};

/*
 * Make a connection of a connected socket, which the connection then owns. With
 * once the connection has a single request.
 */
struct conn *conn_new(int fd, const struct conn_handler *handler, bool once);

/* Close the socket, and end the programs that run for this connection alone. */
void conn_free(struct conn *conn);

/*
 * Write a line to standard error: the number of the request, and what, which
 * must have nothing in it that a stranger sent.
 */
void conn_tell(const struct conn *conn, const char *what);

/*
 * Reply with a status; with fields, each of which CR LF ends; and with text as
 * the body.  After a status of 400 or more the connection is closed.
 */
void
conn_reply(struct conn *conn, int status, const char *fields, const char *text);

/* Reply with a status alone (503 with Retry-After), and conn_tell() why. */
void conn_refuse(struct conn *conn, int status, const char *why);

/* Read the body, whose length the head must have. */
void conn_take(struct conn *conn);

/*
 * Let the request wait for a later conn_reply or conn_refuse; after ten seconds
 * it is refused with 503.  Returns the number of the request.
 */
uint64_t conn_wait(struct conn *conn);

/* Does a request wait since conn_wait()? */
bool conn_waits(const struct conn *conn);

/* Does the request of this number wait since conn_wait()? */
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

/* Has the connection called conn_stream() or conn_print()? */
bool conn_streams(const struct conn *conn);

/*
 * Return since when the connection has waited for its turn to start a program:
 * milliseconds of clock_ticks(), INT64_MAX if it does not wait.
 */
int64_t conn_waits_to_start(const struct conn *conn);

/*
 * Start the program that the connection waits for.  Returns whether a program
 * was to be started: not if the peer has hung up, or if another program serves
 * it.
 */
bool conn_start(struct conn *conn);

/* Tell the connection that the process pid ended with a status of wait(2). */
void conn_exited(struct conn *conn, pid_t pid, int status);

/*
 * Prepare for the end of the server: close a stream, and a connection that has
 * no request yet; a request that has begun is the connection's last.
 */
void conn_wind_up(struct conn *conn);

/*
 * End this connection to make room for another, if its request is not whole yet
 * or it only waits for the peer to close.  Returns whether it ends.
 */
bool conn_evict(struct conn *conn);

/* Is the connection over, so that it can be freed? */
bool conn_dead(const struct conn *conn);

/* Set fds to what to poll(2) for. */
void conn_poll(const struct conn *conn, struct pollfd fds[CONN_FDS]);

/* Return when, by clock_ticks(), to call conn_run() at the latest. */
int64_t conn_deadline(const struct conn *conn);

/* Do what can be done without waiting, after poll(2) of fds. */
void conn_run(struct conn *conn, const struct pollfd fds[CONN_FDS]);

#endif
