/* SPDX-License-Identifier: ISC */
/* A connection that asks by HTTP, from its first byte to its end. */
#ifndef CONN_H
#define CONN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "head.h"

#define CONN_FDS 2

struct conn;

/*
 * What a server does with a request: when its head is whole, reply, refuse,
 * conn_stream() or conn_take(); when what was taken is whole, reply, refuse
 * or conn_wait().  The head lives until then.
 */
struct conn_server {
	void (*head)(struct conn *, const struct head *);
	void (*body)(
	    struct conn *, const struct head *, const char *, size_t length);
};

/* The socket is the connection's from now on. */
struct conn *conn_new(int fd, const struct conn_server *);
void conn_free(struct conn *);

/* A line to stderr: the connection and why, nothing a stranger sent. */
void conn_tell(const struct conn *, const char *what);

/* Reply with fields, each ended by CR LF, and a text. */
void
conn_reply(struct conn *, int status, const char *fields, const char *text);

/* Tell why, and reply without a text; 503 says when to try again. */
void conn_refuse(struct conn *, int status, const char *why);

/* Take the body, which has a length. */
void conn_take(struct conn *);

/* Wait for the answer to come from elsewhere. The number is its name. */
uint64_t conn_wait(struct conn *);
bool conn_waits(const struct conn *);
bool conn_waits_for(const struct conn *, uint64_t number);

/* Become a WebSocket with the lines of a program, or refuse. */
void conn_stream(struct conn *, const char *accept, const char *const argv[]);
bool conn_streams(const struct conn *);

/* The program with this process id is no more. */
void conn_exited(struct conn *, int pid);

/* No more is to come: end streams, and what has not begun. */
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
