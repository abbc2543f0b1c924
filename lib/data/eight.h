/* SPDX-License-Identifier: ISC */
/* Eight bytes of text, looked at in one go. */
#ifndef DATA_EIGHT_H
#define DATA_EIGHT_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes, each with the value c. */
#define EIGHT(c) (UINT64_C(0x0101010101010101) * (c))

/*
 * Not zero if a byte of x is below c, or equals c.  Only the lowest bit that
 * is set may be relied on: it is in the first such byte of the text.
 */
#define EIGHT_BELOW(x, c) (((x)-EIGHT(c)) & ~(x)&EIGHT(0x80))
#define EIGHT_EQUAL(x, c) EIGHT_BELOW((x) ^ EIGHT(c), 1)

/* The eight bytes at p, the first of them lowest. */
static inline uint64_t
eight_load(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

#endif
