/* SPDX-License-Identifier: ISC */
/* Checking that a text is JSON, and finding values in it. */
#ifndef DATA_CHECK_H
#define DATA_CHECK_H

#include <stddef.h>
#include <sys/types.h>

/* Arrays and objects may nest this deep, no deeper. */
#define CHECK_DEPTH 64

/* The most paths that one check_json() looks for. */
#define CHECK_WANTS 64

/* A part of a checked text; text is NULL where there is no such part. */
struct check_span {
	const char *text;
	size_t length;
};

/* A value to look for. */
struct check_want {
	/* The names of the members that lead to it, ended by NULL. */
	const char *const *path;
	/* Where it was found; it points into the text. */
	struct check_span value;
};

/*
 * Check that text is one JSON value by RFC 8259, in UTF-8 without a byte order
 * mark, nested no deeper than CHECK_DEPTH.  Returns -1 if it is, else the
 * offset of the first byte that is wrong, which is length where more was
 * expected.
 *
 * Sets the value of each of the count elements of want in the same pass,
 * without allocating; of members with one name the last wins.  Every value is
 * empty if the text is wrong.
 *
 * libjq 1.6 accepts much that is not JSON, so whatever a stranger sent comes
 * through here first.
 */
ssize_t check_json(
    const char *text, size_t length, struct check_want *want, size_t count);

/*
 * Return what is wrong with a text for which check_json() returned the offset
 * at: "not JSON", or that it is nested too deep.
 */
const char *check_why(const char *text, size_t length, ssize_t at);

#endif
