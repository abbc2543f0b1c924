/* SPDX-License-Identifier: ISC */
/* What a CI's job wrote for a terminal, as plain lines. */
#ifndef LOG_TERM_H
#define LOG_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line comes in pieces, none of which ends within a character. */
#define TERM_LINE 65536

/*
 * A line, or where ended is false a piece of one that goes on (or that the
 * log ends in): UTF-8, with U+FFFD for what was none; not ended by a NUL.
 * ms is the time of the last mark before the line's first byte, in unix
 * milliseconds, -1 if there was none.
 */
typedef void
term_fn(const char *line, size_t length, int64_t ms, bool ended, void *arg);

/*
 * A terminal of one row, which calls the function with each line, and with arg.
 */
struct term;
struct term *term_new(term_fn *fn, void *arg);

/*
 * Take the next bytes of a log, in pieces of any size.  What moves the cursor
 * in its row, or erases, is done; Buildkite's links and images become words;
 * all other escape sequences go.  A string sequence (ESC _ and the like) that
 * is not closed on its line or within 4 KiB is none, and its text stays.
 */
void term_feed(struct term *term, const char *bytes, size_t length);

/*
 * Close the log: a sequence that it cuts off goes, a last line without a
 * newline is given out.  Then the next log may follow.
 */
void term_end(struct term *term);

void term_free(struct term *term);

#endif
