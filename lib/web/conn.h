/* SPDX-License-Identifier: ISC */
/* A connection that asks by HTTP, from its first byte to its end. */
#ifndef WEB_CONN_H
#define WEB_CONN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/head.h"

#define CONN_FDS 2

struct conn;

/*
 * What is done with a request: when its head is whole, reply, refuse,
 * conn_stream(), conn_print() or conn_take(); when the body that was taken is
 * whole, reply, refuse or conn_wait(); when a program had nothing to stream,
 * with its exit status or -1, reply or refuse.  The head lives until then.
 */
struct conn_handler {
	void (*head)(struct conn *, const struct head *);
	void (*body)(
	    struct conn *, const struct head *, const char *, size_t length);
	void (*refused)(struct conn *, int status);
};

/* The socket is the connection's from now on; once is for one request. */
struct conn *conn_new(int fd, const struct conn_handler *, bool once);
void conn_free(struct conn *);

/* A line to stderr: the request's number and why, nothing a stranger sent. */
void conn_tell(const struct conn *, const char *what);

/* Reply with fields, each ended by CR LF, and a text. */
void
conn_reply(struct conn *, int status, const char *fields, const char *text);

/* Tell why, and reply without a text; 503 says when to try again. */
void conn_refuse(struct conn *, int status, const char *why);

/* Take the body, which has a length. */
void conn_take(struct conn *);

/* Wait for the answer to come from elsewhere. The number is the request's. */
uint64_t conn_wait(struct conn *);
bool conn_waits(const struct conn *);
bool conn_waits_for(const struct conn *, uint64_t number);

/*
 * Become a WebSocket with the lines of a program, or refuse.  complete is the
 * reason to close with when it ends well, NULL if it should not end.  A
 * program that may end has to say by a first line, which is not sent on, that
 * there is something to stream; one that ends before is refused.
 */
void conn_stream(struct conn *, const char *accept, const char *const argv[],
    const char *complete);

/* Reply with the lines of such a program, of the type; or refuse. */
void conn_print(struct conn *, const char *type, const char *const argv[]);

/* Has it a program to itself? */
bool conn_runs(const struct conn *);

/* The program with this process id is no more; how, as wait(2) tells. */
void conn_exited(struct conn *, int pid, int status);

/* No more is to come: end streams, and what has not begun or come again. */
void conn_wind_up(struct conn *);

/* Give way to another if it has all its request still to say. */
bool conn_evict(struct conn *);

/* Is it over? */
bool conn_dead(const struct conn *);

/* What to poll(2) for, by when at the latest, and what to do then. */
void conn_poll(const struct conn *, struct pollfd[CONN_FDS]);
int64_t conn_deadline(const struct conn *);
void conn_run(struct conn *, const struct pollfd[CONN_FDS]);

#endif
