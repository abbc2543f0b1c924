/* SPDX-License-Identifier: ISC */
/* The screen of a terminal that has a single row. */
#ifndef LOG_SCREEN_H
#define LOG_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCREEN_CELLS 1024 /* a longer line goes on in the next row */
#define SCREEN_BYTES (4 * SCREEN_CELLS) /* the most that its text can have */

/*
 * A row of cells, and a cursor among them.  A cell holds the bytes of a
 * character in UTF-8, the first lowest, or 0 if the character in front of it
 * reaches over it.  A screen that is all zero is empty.
 */
struct screen {
	uint32_t cell[SCREEN_CELLS];
	size_t cells; /* that have been written */
	size_t cursor, saved;
};

/*
 * Put text, one character of length bytes or a tab, at the cursor in place of
 * what is there, and move the cursor behind it.  Returns false, and does
 * nothing, if the row has no room.
 */
bool screen_put(struct screen *screen, const char *text, size_t length);

/* Put printable ASCII; returns for how many of its bytes there was room. */
size_t screen_put_ascii(struct screen *screen, const char *text, size_t length);

/*
 * Move the cursor by a number of columns, or to a column, counted from 0: no
 * further right than to the end of the text or, if that is further, column 159.
 */
void screen_left(struct screen *screen, size_t columns);
void screen_right(struct screen *screen, size_t columns);
void screen_column(struct screen *screen, size_t column);

/* Erase the cell at the cursor and all cells right of it, or left of it. */
void screen_erase_right(struct screen *screen);
void screen_erase_left(struct screen *screen);

/*
 * Write the text of the screen to the buffer to, which has room for
 * SCREEN_BYTES, and empty the screen.  Returns the length of the text.
 */
size_t screen_take(struct screen *screen, char *to);

#endif
