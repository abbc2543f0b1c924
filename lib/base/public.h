/* SPDX-License-Identifier: ISC */
/* Which addresses belong to the public Internet. */
#ifndef BASE_PUBLIC_H
#define BASE_PUBLIC_H

#include <stdbool.h>

#include <sys/socket.h>

/*
 * Is this a unicast address of the public Internet?  No is the answer for
 * whatever might be ourselves or a neighbour (loopback, private, shared,
 * link-local, cloud metadata), for addresses set aside by RFC 6890 and its
 * successors, for an address with a zone, for what carries such an address
 * inside (v4-mapped, NAT64, 6to4, Teredo), and for other families than IP.
 * Ask it of the address that is connected to, not of a name.
 */
bool public_address(const struct sockaddr *);

#endif
