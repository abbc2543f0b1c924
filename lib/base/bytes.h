/* SPDX-License-Identifier: ISC */
/* Bytes on their way: what has come in, what is to go out. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <sys/types.h>

/* All zero is empty. Want of memory exits with EX_OSERR. */
struct bytes {
	char *text;
	size_t length;
	size_t size;
};

/* Room for so many more, at text + length. */
void bytes_room(struct bytes *, size_t);

/* Add to the end, remove from the beginning, give back the memory. */
void bytes_add(struct bytes *, const char *, size_t);
void bytes_drop(struct bytes *, size_t);
void bytes_free(struct bytes *);

/* Read once, what is there: the count, 0 at the end, -1 if nothing is. */
ssize_t bytes_read(struct bytes *, int fd);

/*
 * The line at an offset, moved past its end; NULL if none is whole.  The line
 * feed is not of its length.
 */
const char *bytes_line(const struct bytes *, size_t *offset, size_t *length);

#endif
