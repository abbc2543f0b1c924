/* SPDX-License-Identifier: ISC */
/* Times as RFC 3339 writes them. */
#ifndef DATA_STAMP_H
#define DATA_STAMP_H

#include <stdint.h>

/* Unix milliseconds, in UTC. */
void stamp_write(char text[32], int64_t ms);

/* A text by RFC 3339 in unix milliseconds, -1 if it is none. */
int64_t stamp_read(const char *);

#endif
