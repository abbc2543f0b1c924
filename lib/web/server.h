/* SPDX-License-Identifier: ISC */
/* Connections, as many as there may be, and the loop that serves them. */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/conn.h"
#include "web/pipeline.h"

/*
 * At most so many connections: when all are taken, who has dawdled longest
 * over a request must go.  Takes SIGCHLD, SIGINT and SIGTERM for itself.
 */
struct server;
struct server *server_new(const struct conn_handler *, size_t most);

/* Serve a connection, for one request only or for as long as it asks. */
void server_add(struct server *, int fd, bool once);

/*
 * Serve until nobody is left or, where there is a listening socket, until
 * SIGINT or SIGTERM, and then until what has begun is brought to its end.
 */
void server_run(struct server *, struct pipeline *, int listener);

/* How many have a program to themselves. */
size_t server_programs(const struct server *);

/* Who waits for the answer of that number; NULL if nobody does. */
struct conn *server_waiting(const struct server *, uint64_t number);

/* Refuse all who wait for an answer. */
void server_refuse(struct server *, int status, const char *why);

#endif
