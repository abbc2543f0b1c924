/* SPDX-License-Identifier: ISC */
/* A row of a terminal: cells, and a cursor among them. */
#ifndef LOG_ROW_H
#define LOG_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_CELLS 1024 /* a longer line goes on in the next row */
#define ROW_BYTES (4 * ROW_CELLS) /* the most that its text can have */

/*
 * A cell holds a character's bytes in UTF-8, the first lowest, or 0 where the
 * character before it is that wide.  All zero is an empty row.
 */
struct row {
	uint32_t cell[ROW_CELLS];
	size_t cells; /* written until now */
	size_t cursor, saved;
};

/*
 * Put a character of length bytes, or a tab, at the cursor, over what is
 * there, and move on.  False, and nothing done, if the row has no room for it.
 */
bool row_put(struct row *row, const char *text, size_t length);

/* Put printable ASCII; returns how many bytes of it there was room for. */
size_t row_put_ascii(struct row *row, const char *text, size_t length);

/* Move the cursor, no further right than the text goes or column 160. */
void row_left(struct row *row, size_t columns);
void row_right(struct row *row, size_t columns);
void row_column(struct row *row, size_t column);

/* Erase what is right of the cursor, from it on; or left of it, up to it. */
void row_erase_right(struct row *row);
void row_erase_left(struct row *row);

/* Write the row's text to where ROW_BYTES have room, and empty the row. */
size_t row_take(struct row *row, char *to);

#endif
