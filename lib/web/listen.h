/* SPDX-License-Identifier: ISC */
/* The socket a server was started with, or is told to make. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include <stdbool.h>

/*
 * The socket to serve: one that systemd passed; a listening one at the
 * address, "127.0.0.1:6555", "[::1]:6555", or ":8080" for every address;
 * standard input; a listening one at TACK_LISTEN_ADDR; else -1.  It closes on
 * exec.  Standard input and output become /dev/null, and standard error, if
 * it is that very socket, logger(1).  Exits with EX_USAGE when the text is no
 * address, EX_UNAVAILABLE when it cannot be had.
 */
int listen_find(const char *address);

/* Does a descriptor listen? Exits with EX_USAGE if it is no stream socket. */
bool listen_is(int fd);

/* Tell stderr where a socket listens. */
void listen_tell(int fd);

#endif
