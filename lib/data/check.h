/* SPDX-License-Identifier: ISC */
/* Is a text JSON, and where in it is what we want? */
#ifndef DATA_CHECK_H
#define DATA_CHECK_H

#include <stddef.h>
#include <sys/types.h>

/* Containers may nest this deep, no deeper. */
#define CHECK_DEPTH 64

/* The most paths one check_json() looks for. */
#define CHECK_WANTS 64

/* Part of a checked text; text is NULL where there is no such part. */
struct check_span {
	const char *text;
	size_t length;
};

/*
 * A value to look for: the names of the members that lead to it, ended by
 * NULL (so { NULL } is the whole).  Points into the text when found.
 */
struct check_want {
	const char *const *path;
	struct check_span value;
};

/*
 * Is the text one JSON value by RFC 8259, in UTF-8 without a byte order
 * mark, no deeper than CHECK_DEPTH?  Returns -1 if it is, else the offset of
 * the first byte that is wrong (length, where more was expected).  Fills the
 * wants in the same pass, without allocating; of members with one name the
 * last wins.  libjq 1.6 accepts much that is not JSON, so whatever a
 * stranger sent comes through here first.
 */
ssize_t check_json(const char *, size_t, struct check_want *, size_t);

#endif
