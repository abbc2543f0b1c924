/* SPDX-License-Identifier: ISC */
/* The socket a server was started with, or is told to make. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include <stdbool.h>

/*
 * Find the socket to serve: the one that systemd(1) passed; else a new
 * listening one at address ("127.0.0.1:6555", "[::1]:6555", ":8080" for every
 * address), unless address is NULL; else standard input, if that is a socket;
 * else a new listening one at TACK_LISTEN_ADDR.  Returns -1 if there is none.
 *
 * The socket closes on exec.  Standard input and output become /dev/null, and
 * standard error, if it is the socket too, a pipe to logger(1).  Exits with
 * EX_USAGE if an address is malformed, with EX_UNAVAILABLE if it is not to be
 * had.
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
