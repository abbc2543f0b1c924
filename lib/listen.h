/* SPDX-License-Identifier: ISC */
/* The socket a server was started with, or is told to make. */
#ifndef LISTEN_H
#define LISTEN_H

#include <stdbool.h>

/*
 * A listening socket at "127.0.0.1:6555", "[::1]:6555", or ":8080" for every
 * address.  Exits with EX_USAGE when the text is no address, EX_UNAVAILABLE
 * when it cannot be had.
 */
int listen_at(const char *address);

/* The descriptor systemd passed, or -1. Forgets the variables that say so. */
int listen_passed(void);

/* Does a descriptor listen? Exits with EX_USAGE if it is no stream socket. */
bool listen_is(int fd);

/* Tell stderr where a socket listens. */
void listen_tell(int fd);

#endif
