/* SPDX-License-Identifier: ISC */
/* Making plain lines of what a program wrote for a terminal. */
#ifndef LOG_TERM_H
#define LOG_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes of a piece of a line; no piece ends within a character. */
#define TERM_LINE 65536

/*
 * Called with a line or, if ended is false, with a piece of a line that goes on
 * or in which the log ends.  The text is UTF-8, with U+FFFD for bytes that are
 * not, and is not ended by a NUL.  ms is the time of the last time mark before
 * the line's first byte, in unix milliseconds, -1 if there was none.
 */
typedef void
term_fn(const char *line, size_t length, int64_t ms, bool ended, void *arg);

/*
 * A terminal of one row, which calls the function with each line, and with arg.
 */
struct term;
struct term *term_new(term_fn *fn, void *arg);

/*
 * Take the next bytes of a log, in pieces of any size.  Sequences that move the
 * cursor in its row, or erase, take effect; Buildkite's links and images become
 * words; all other escape sequences are removed.  A string sequence (ESC _ and
 * the like) that is not closed on its line or within 4 KiB counts as text.
 */
void term_feed(struct term *term, const char *bytes, size_t length);

/*
 * End the log: a sequence that is not complete is removed, and a last line
 * without a newline is passed on.  The bytes of another log may follow.
 */
void term_end(struct term *term);

void term_free(struct term *term);

#endif
