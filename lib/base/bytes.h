/* SPDX-License-Identifier: ISC */
/* A buffer for bytes that have come in or are to go out. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <sys/types.h>

/* A buffer that grows.  One that is all zero is empty and ready for use. */
struct bytes {
	char *text; /* not ended by a NUL */
	size_t length; /* bytes in use */
	size_t size; /* bytes allocated */
};

/* Make room for length more bytes, at b->text + b->length. */
void bytes_room(struct bytes *b, size_t length);

/* Append the length bytes of text. */
void bytes_add(struct bytes *b, const char *text, size_t length);

/* Remove the first length bytes; b must have that many. */
void bytes_drop(struct bytes *b, size_t length);

/* Give the memory back; the buffer is then empty. */
void bytes_free(struct bytes *b);

/*
 * Call read(2) once and append what it gives.  Returns the number of bytes; 0
 * at the end of the file and on an error; -1 if there is nothing to read now.
 */
ssize_t bytes_read(struct bytes *b, int fd);

/*
 * Return the line that begins at *offset, and set *length to its length without
 * the line feed and *offset to where the next line begins.  Returns NULL, and
 * changes nothing, if no whole line is there.
 */
const char *bytes_line(const struct bytes *b, size_t *offset, size_t *length);

#endif
