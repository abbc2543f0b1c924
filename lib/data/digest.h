/* SPDX-License-Identifier: ISC */
/* A name for texts, from their SHA-256. */
#ifndef DATA_DIGEST_H
#define DATA_DIGEST_H

#include <stddef.h>

/*
 * Write a name for a list of texts: the first digits of the hexadecimal
 * SHA-256 of the texts with a NUL between each two, and a NUL.  digits is even
 * and at most 64; name has room for digits + 1.
 */
void
digest_name(char *name, size_t digits, const char *const *texts, size_t count);

#endif
