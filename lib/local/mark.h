/* SPDX-License-Identifier: ISC */
/* Writing a log whose lines begin with a time mark, as Buildkite's agent does.
 */
#ifndef LOCAL_MARK_H
#define LOCAL_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARK_MOST (INT64_C(64) << 20) /* bytes of a log, marks included */
#define MARK_BUILD (INT64_C(256) << 20) /* bytes of all logs of a build */

/*
 * A log that is written.  Each line begins with ESC _bk;t=MILLISECONDS BEL,
 * the time its first byte came.
 */
struct mark {
	int fd; /* -1 to write nothing */
	int64_t size; /* bytes it has */
	int64_t before; /* bytes that the build's earlier logs have */
	bool escape; /* the last byte that a step printed, not stored yet */
	bool inside; /* of a line that has begun */
	bool full; /* the rest is left out */
	bool full_disk; /* the disk had no room for some bytes */
};

/*
 * Add the bytes that a step printed.  Those beyond MARK_MOST, or with the
 * earlier logs beyond MARK_BUILD, are left out, and the log says so.
 */
void mark_write(struct mark *mark, const char *bytes, size_t length);

/* Add a line of our own, which is never left out. */
void mark_line(struct mark *mark, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
