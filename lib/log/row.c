/* SPDX-License-Identifier: ISC */
/* A row of a terminal: cells, and a cursor among them. */
#include "log/row.h"

#define WIDTH 160 /* columns that the cursor can get to without text */
#define TAB 8

/* Does a terminal use two columns for it?  The blocks of such characters. */
static bool
is_wide(const char *text, size_t length)
{
	static const struct {
		uint32_t first, last;
	} blocks[] = { { 0x1100, 0x115f }, { 0x231a, 0x231b },
		{ 0x23e9, 0x23ec }, { 0x23f0, 0x23f3 }, { 0x2614, 0x2615 },
		{ 0x2648, 0x2653 }, { 0x26a1, 0x26a1 }, { 0x26d4, 0x26d4 },
		{ 0x2705, 0x2705 }, { 0x2728, 0x2728 }, { 0x274c, 0x274e },
		{ 0x2753, 0x2757 }, { 0x2b50, 0x2b55 }, { 0x2e80, 0x303e },
		{ 0x3041, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff },
		{ 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd } };
	uint32_t c;

	if (length < 3)
		return false;
	c = (unsigned char)*text & (length == 3 ? 0x0f : 0x07);
	for (size_t i = 1; i < length; i++)
		c = c << 6 | ((unsigned char)text[i] & 0x3f);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (c >= blocks[i].first && c <= blocks[i].last)
			return true;
	return false;
}

/* No character reaches over this column: one that did becomes blanks. */
static void
split(struct row *r, size_t column)
{
	size_t at = column;

	if (column >= r->cells || r->cell[column] != 0)
		return;
	while (r->cell[at] == 0)
		at--;
	do
		r->cell[at++] = ' ';
	while (at < r->cells && r->cell[at] == 0);
}

bool
row_put(struct row *r, const char *text, size_t length)
{
	size_t width = 1;
	uint32_t c = 0;

	if (r->cursor == ROW_CELLS)
		return false;
	if (*text == '\t') {
		width = TAB - r->cursor % TAB;
		if (r->cursor < r->cells) { /* a tab erases nothing */
			r->cursor += width;
			return true;
		}
	} else if (is_wide(text, length))
		width = 2;
	if (r->cursor + width > ROW_CELLS)
		return false;
	while (r->cells < r->cursor)
		r->cell[r->cells++] = ' ';
	split(r, r->cursor);
	split(r, r->cursor + width);
	for (size_t i = length; i > 0; i--)
		c = c << 8 | (unsigned char)text[i - 1];
	r->cell[r->cursor++] = c;
	while (--width > 0)
		r->cell[r->cursor++] = 0;
	if (r->cells < r->cursor)
		r->cells = r->cursor;
	return true;
}

size_t
row_put_ascii(struct row *r, const char *text, size_t length)
{
	size_t n = 0;

	if (r->cursor != r->cells) {
		while (n < length && row_put(r, text + n, 1))
			n++;
		return n;
	}
	if (length > ROW_CELLS - r->cells)
		length = ROW_CELLS - r->cells;
	for (; n < length; n++)
		r->cell[r->cells + n] = (unsigned char)text[n];
	r->cells += n;
	r->cursor = r->cells;
	return n;
}

void
row_left(struct row *r, size_t columns)
{
	r->cursor -= columns < r->cursor ? columns : r->cursor;
}

void
row_column(struct row *r, size_t column)
{
	size_t most = r->cells < WIDTH ? WIDTH - 1 : r->cells;

	r->cursor = column < most ? column : most;
}

void
row_right(struct row *r, size_t columns)
{
	row_column(r, r->cursor + columns);
}

void
row_erase_right(struct row *r)
{
	split(r, r->cursor);
	if (r->cells > r->cursor)
		r->cells = r->cursor;
}

void
row_erase_left(struct row *r)
{
	if (r->cursor + 1 >= r->cells) {
		r->cells = 0;
		return;
	}
	split(r, r->cursor + 1);
	for (size_t i = 0; i <= r->cursor; i++)
		r->cell[i] = ' ';
}

size_t
row_take(struct row *r, char *to)
{
	size_t length = 0;

	for (size_t i = 0; i < r->cells; i++)
		for (uint32_t c = r->cell[i]; c != 0; c >>= 8)
			to[length++] = (char)(c & 0xff);
	r->cells = r->cursor = r->saved = 0;
	return length;
}
