/* SPDX-License-Identifier: ISC */
/* A log whose lines begin with the time, as Buildkite's agent marks them. */
#ifndef LOCAL_MARK_H
#define LOCAL_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARK_MOST (INT64_C(64) << 20) /* bytes of a log, marks included */

/*
 * Each line begins with ESC _bk;t=MILLISECONDS BEL, the time its first byte
 * came.  What is beyond MARK_MOST is left out, and the log says so.
 */
struct mark {
	int fd;
	int64_t size;
	bool inside; /* a line that has begun */
	bool full;
};

void mark_write(struct mark *, const char *, size_t);

/* A line of our own. */
void mark_line(struct mark *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

#endif
