/* SPDX-License-Identifier: ISC */
/* The connections of a server, and the loop that serves them. */
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

/* Add a connected socket; with once it has a single request. */
void server_add(struct server *server, int fd, bool once);

/*
 * Serve until no connection is left or, with a listening socket (listener is
 * not -1), until SIGINT or SIGTERM and then until the requests that have begun
 * are served.  At most a hundred programs for streams are started a second, in
 * the order in which connections began to wait.
 */
void server_run(struct server *server, struct pipeline *pipeline,
    struct feed_set *feeds, int listener);

/* Return the number of connections that have lines of a program, or wait for
 * some. */
size_t server_streams(const struct server *server);

/* Return the connection whose request of this number waits, or NULL. */
struct conn *server_waiting(const struct server *server, uint64_t number);

/* Refuse every request that waits since conn_wait(). */
void server_refuse(struct server *server, int status, const char *why);

#endif
