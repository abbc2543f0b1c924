/* SPDX-License-Identifier: ISC */
/* Base64 (RFC 4648), decoded strictly. */
#ifndef DATA_BASE64_H
#define DATA_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* How it is spelt; 0 is section 4: + and /, padded. */
enum {
	BASE64_URL = 1, /* section 5: - and _ */
	BASE64_BARE = 2 /* without padding */
};

/* The most bytes that n characters spell. */
#define BASE64_DECODED(n) (((n) + 3) / 4 * 3)

/* The most characters that n bytes need. */
#define BASE64_ENCODED(n) (((n) + 2) / 3 * 4)

/*
 * Decode the n characters of text into bytes, which has room for
 * BASE64_DECODED(n), and set *length.  Returns false unless text is the one
 * spelling of those bytes: without blanks, padded or not as spelling says, and
 * with zero for the bits that no byte needs.
 */
bool base64_decode(
    void *bytes, size_t *length, const char *text, size_t n, int spelling);

/*
 * Encode n bytes into text, which has room for BASE64_ENCODED(n).  Returns the
 * number of characters; no NUL is added.
 */
size_t base64_encode(char *text, const void *bytes, size_t n, int spelling);

#endif
