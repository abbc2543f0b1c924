/* SPDX-License-Identifier: ISC */
/* A small file, read whole and replaced whole. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The whole content of the file path, for the caller to free, with a NUL after
 * its last byte.  path is relative to the directory dir, or to the working
 * directory if dir is AT_FDCWD.  *length, unless length is NULL, is set to the
 * number of bytes.  Returns NULL with errno set if the file cannot be read, to
 * EFBIG if it has more than most bytes.
 */
char *file_read(int dir, const char *path, size_t most, size_t *length);

/* As file_read(), of the open file fd from where it stands; fd stays open. */
char *file_bytes(int fd, size_t most, size_t *length);

/*
 * Give the file path the content text, of length bytes, and the mode 0600.
 * Whoever opens path finds the old content or the new one, whole: the new one
 * is written to a file of that name followed by .new, which then takes the
 * name.  With firm, that holds after the machine lost power, too, and the new
 * content is on the disk on return.  Two processes must not replace one file
 * at once.  Returns 0, or -1 with errno set and the old content in place.
 */
int file_replace(
    int dir, const char *path, const char *text, size_t length, bool firm);

#endif
