/* SPDX-License-Identifier: ISC */
/* The screen of a terminal that has a single row. */
#include "log/screen.h"

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
split(struct screen *s, size_t column)
{
	size_t at = column;

	if (column >= s->cells || s->cell[column] != 0)
		return;
	while (s->cell[at] == 0)
		at--;
	do
		s->cell[at++] = ' ';
	while (at < s->cells && s->cell[at] == 0);
}

bool
screen_put(struct screen *s, const char *text, size_t length)
{
	size_t width = 1;
	uint32_t c = 0;

	if (s->cursor == SCREEN_CELLS)
		return false;
	if (*text == '\t') {
		width = TAB - s->cursor % TAB;
		if (s->cursor < s->cells) { /* a tab erases nothing */
			s->cursor += width;
			return true;
		}
	} else if (is_wide(text, length))
		width = 2;
	if (s->cursor + width > SCREEN_CELLS)
		return false;
	while (s->cells < s->cursor)
		s->cell[s->cells++] = ' ';
	split(s, s->cursor);
	split(s, s->cursor + width);
	for (size_t i = length; i > 0; i--)
		c = c << 8 | (unsigned char)text[i - 1];
	s->cell[s->cursor++] = c;
	while (--width > 0)
		s->cell[s->cursor++] = 0;
	if (s->cells < s->cursor)
		s->cells = s->cursor;
	return true;
}

size_t
screen_put_ascii(struct screen *s, const char *text, size_t length)
{
	size_t n = 0;

	if (s->cursor != s->cells) {
		while (n < length && screen_put(s, text + n, 1))
			n++;
		return n;
	}
	if (length > SCREEN_CELLS - s->cells)
		length = SCREEN_CELLS - s->cells;
	for (; n < length; n++)
		s->cell[s->cells + n] = (unsigned char)text[n];
	s->cells += n;
	s->cursor = s->cells;
	return n;
}

void
screen_left(struct screen *s, size_t columns)
{
	s->cursor -= columns < s->cursor ? columns : s->cursor;
}

void
screen_column(struct screen *s, size_t column)
{
	size_t most = s->cells < WIDTH ? WIDTH - 1 : s->cells;

	s->cursor = column < most ? column : most;
}

void
screen_right(struct screen *s, size_t columns)
{
	screen_column(s, s->cursor + columns);
}

void
screen_erase_right(struct screen *s)
{
	split(s, s->cursor);
	if (s->cells > s->cursor)
		s->cells = s->cursor;
}

void
screen_erase_left(struct screen *s)
{
	if (s->cursor + 1 >= s->cells) {
		s->cells = 0;
		return;
	}
	split(s, s->cursor + 1);
	for (size_t i = 0; i <= s->cursor; i++)
		s->cell[i] = ' ';
}

size_t
screen_take(struct screen *s, char *to)
{
	size_t length = 0;

	for (size_t i = 0; i < s->cells; i++)
		for (uint32_t c = s->cell[i]; c != 0; c >>= 8)
			to[length++] = (char)(c & 0xff);
	s->cells = s->cursor = s->saved = 0;
	return length;
}
