/* SPDX-License-Identifier: ISC */
/* The socket a server was started with, or is told to make. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include <stdbool.h>

/*
 * Find the socket to serve.  The first of these that is there: one that
 * systemd(1) passed; a listening one at address ("127.0.0.1:6555",
 * "[::1]:6555", ":8080" for every address), unless that is NULL; standard
 * input, if it is a socket; a listening one at TACK_LISTEN_ADDR.  Returns -1
 * if there is none.
 *
 * The socket closes on exec.  Standard input and output become /dev/null, and
 * standard error, if it is that very socket, logger(1).  Exits with EX_USAGE
 * when an address is none, with EX_UNAVAILABLE when it cannot be had.
 */
int listen_find(const char *address);

/*
 * Does the socket fd listen, or is it a connection? Exits with EX_USAGE if it
 * is no stream socket.
 */
bool listen_is(int fd);

/* Write to standard error where the socket fd listens. */
void listen_tell(int fd);

#endif
