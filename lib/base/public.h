/* SPDX-License-Identifier: ISC */
/* Which addresses belong to the public Internet. */
#ifndef BASE_PUBLIC_H
#define BASE_PUBLIC_H

#include <stdbool.h>

#include <sys/socket.h>

/*
 * Is address a unicast address of the public Internet?  The answer is no for
 * what might be this machine or a neighbour (loopback, private, shared,
 * link-local, cloud metadata), for what RFC 6890 and its successors set aside,
 * for an address with a zone, for one that carries such an address inside
 * (v4-mapped, NAT64, 6to4, Teredo), and for families other than IP.  Ask about
 * the address that is connected to: a name may lead elsewhere the next time it
 * is looked up.
 */
bool public_address(const struct sockaddr *address);

#endif
