/* SPDX-License-Identifier: ISC */
/* Connections, as many as there may be, and the loop that serves them. */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/conn.h"
#include "web/feed.h"
#include "web/pipeline.h"

struct server;

/*
 * Make a server that holds most connections at once.  When all are taken, it
 * closes the connection whose request has been incomplete for longest.  It
 * handles SIGCHLD, SIGINT and SIGTERM itself.
 */
struct server *server_new(const struct conn_handler *handler, size_t most);

/* Serve a connected socket, with once for a single request. */
void server_add(struct server *server, int fd, bool once);

/*
 * Serve until nobody is left or, where there is a listening socket (listener
 * is not -1), until SIGINT or SIGTERM, and then until what has begun is
 * brought to its end.  Programs for streams are started a hundred a second at
 * most, in the order of those who wait for them.
 */
void server_run(struct server *server, struct pipeline *pipeline,
    struct feeds *feeds, int listener);

/* How many connections ask for, or have, lines of a program? */
size_t server_streams(const struct server *server);

/* The connection that waits for the answer of that number, or NULL. */
struct conn *server_waiting(const struct server *server, uint64_t number);

/* Refuse all who wait for an answer. */
void server_refuse(struct server *server, int status, const char *why);

#endif
