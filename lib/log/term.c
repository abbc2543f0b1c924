/* SPDX-License-Identifier: ISC */
/* What a CI's job wrote for a terminal, as plain lines. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "log/term.h"

#define ESC 0x1b
#define BEL 0x07

/* The longest escape sequence, so that a stray one swallows no log. */
#define SEQUENCE 4096

/* The end of the year 9999, the last that RFC 3339 can write. */
#define LAST INT64_C(253402300799999)

enum state {
	TEXT,
	ESCAPE, /* after ESC */
	SHORT, /* after ESC and intermediates */
	CONTROL, /* after ESC [ and parameters */
	INTERMEDIATE, /* after ESC [, parameters and intermediates */
	STRING, /* after ESC and one of _ ] P X ^ */
	STRING_ESCAPE /* and after an ESC in it */
};

struct term {
	term_fn *fn;
	void *arg;
	enum state state;
	char sequence[SEQUENCE]; /* from the byte after ESC */
	size_t sequence_length;

	char line[TERM_LINE];
	size_t length;
	int64_t mark; /* the last time mark */
	int64_t time; /* of the line */
	bool begun; /* the line has had a byte */
	bool returned; /* after a carriage return */

	char partial[4]; /* of a character that is not whole yet */
	size_t have, want;
};

struct term *
term_new(term_fn *fn, void *arg)
{
	struct term *t = xcalloc(1, sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	t->mark = -1;
	return t;
}

void
term_free(struct term *t)
{
	free(t);
}

static void
emit(struct term *t, bool ended)
{
	t->fn(t->line, t->length, t->time, ended, t->arg);
	t->length = 0;
}

/* Add a whole character, or ASCII. */
static void
add(struct term *t, const char *text, size_t length)
{
	if (t->length + length > TERM_LINE)
		emit(t, false);
	memcpy(t->line + t->length, text, length);
	t->length += length;
}

/* Give up on a character that does not become whole. */
static void
give_up(struct term *t)
{
	if (t->have > 0)
		add(t, "\xef\xbf\xbd", 3);
	t->have = 0;
}

static bool
continues(const struct term *t, unsigned char c)
{
	unsigned char low = 0x80, high = 0xbf;

	/* Overlong forms, surrogates and what is beyond U+10FFFF. */
	if (t->have == 1)
		switch ((unsigned char)t->partial[0]) {
		case 0xe0:
			low = 0xa0;
			break;
		case 0xed:
			high = 0x9f;
			break;
		case 0xf0:
			low = 0x90;
			break;
		case 0xf4:
			high = 0x8f;
			break;
		}
	return c >= low && c <= high;
}

/* A byte of a line, which may have been torn from its character's others. */
static void
letter(struct term *t, unsigned char c)
{
	if (t->have > 0 && !continues(t, c))
		give_up(t);
	if (t->have == 0) {
		if (c < 0x80) {
			add(t, (const char *)&c, 1);
			return;
		}
		t->want = c >= 0xc2 && c <= 0xdf ? 2 :
		    (c & 0xf0) == 0xe0		 ? 3 :
		    c >= 0xf0 && c <= 0xf4	 ? 4 :
						   1;
	}
	t->partial[t->have++] = (char)c;
	if (t->want == 1)
		give_up(t);
	else if (t->have == t->want) {
		add(t, t->partial, t->have);
		t->have = 0;
	}
}

static void
text(struct term *t, unsigned char c)
{
	if (!t->begun)
		t->time = t->mark;
	t->begun = true;
	if (c == '\n') {
		give_up(t);
		emit(t, true);
		t->begun = t->returned = false;
		return;
	}
	if (c == '\r') {
		t->returned = true;
		return;
	}
	if (t->returned)
		t->have = t->length = 0;
	t->returned = false;
	letter(t, c);
}

/* "_bk;t=1787300912004" and "_bk;dt=12", maybe with more pairs. */
static void
mark(struct term *t)
{
	const char *p = t->sequence, *end = p + t->sequence_length, *name;
	int64_t n;

	if (t->sequence_length < 4 || memcmp(p, "_bk;", 4) != 0)
		return;
	p += 3;
	while (p < end && *p == ';') {
		name = ++p;
		while (p < end && *p != '=' && *p != ';')
			p++;
		if (p < end && *p == '=') {
			bool relative = p - name == 2 && *name == 'd';

			if ((p - name == 1 || relative) && p[-1] == 't') {
				n = 0;
				for (p++; p < end && *p >= '0' && *p <= '9';
				     p++)
					if (n <= LAST)
						n = n * 10 + (*p - '0');
				if (relative)
					n = t->mark == -1 ? LAST + 1 :
							    t->mark + n;
				if (n <= LAST)
					t->mark = n;
			}
			/* A backslash quotes the next byte of a value. */
			while (p < end && *p != ';')
				p += *p == '\\' && p + 1 < end ? 2 : 1;
		}
	}
}

static bool take(struct term *, unsigned char);

/*
 * What looked like a sequence is none: its ESC and the byte after go, the
 * rest is text, in which another may begin.  What is then open has had its
 * bytes looked at, none of which ends it.
 */
static void
unwind(struct term *t)
{
	char rest[SEQUENCE];
	size_t length = t->sequence_length;

	memcpy(rest, t->sequence, length);
	t->state = TEXT;
	for (size_t i = 1; i < length; i++) {
		while (!take(t, (unsigned char)rest[i]))
			continue;
		if (t->state != STRING)
			continue;
		memcpy(t->sequence + 1, rest + i + 1, length - i - 1);
		t->sequence_length = length - i;
		if (i + 1 < length && rest[length - 1] == ESC)
			t->state = STRING_ESCAPE;
		return;
	}
}

static void
finish(struct term *t)
{
	t->state = TEXT;
}

/* Keep the byte of an open sequence; false if there are too many. */
static bool
keep(struct term *t, unsigned char c, enum state next)
{
	if (t->sequence_length == SEQUENCE)
		return false;
	t->sequence[t->sequence_length++] = (char)c;
	t->state = next;
	return true;
}

/* Take a byte in; false if the sequence it met was none: then once more. */
static bool
take(struct term *t, unsigned char c)
{
	bool good = true;

	switch (t->state) {
	case TEXT:
		if (c == ESC) {
			t->state = ESCAPE;
			t->sequence_length = 0;
		} else
			text(t, c);
		break;
	case ESCAPE:
		if (c == '[')
			keep(t, c, CONTROL);
		else if (c != '\0' && strchr("_]PX^", c) != NULL)
			keep(t, c, STRING);
		else if (c >= 0x20 && c <= 0x2f)
			keep(t, c, SHORT);
		else
			finish(t);
		break;
	case SHORT:
		if (c >= 0x30 && c <= 0x7e)
			finish(t);
		else
			good = c >= 0x20 && c <= 0x2f && keep(t, c, SHORT);
		break;
	case CONTROL:
		if (c >= 0x30 && c <= 0x3f) {
			good = keep(t, c, CONTROL);
			break;
		}
		/* FALLTHROUGH */
	case INTERMEDIATE:
		if (c >= 0x40 && c <= 0x7e)
			finish(t);
		else
			good =
			    c >= 0x20 && c <= 0x2f && keep(t, c, INTERMEDIATE);
		break;
	case STRING_ESCAPE:
		if (c == '\\') {
			t->sequence_length--;
			mark(t);
			finish(t);
			break;
		}
		/* FALLTHROUGH */
	case STRING:
		if (c == BEL) {
			mark(t);
			finish(t);
		} else
			good = c != '\n' &&
			    keep(t, c, c == ESC ? STRING_ESCAPE : STRING);
		break;
	}
	if (!good)
		unwind(t);
	return good;
}

void
term_feed(struct term *t, const char *bytes, size_t length)
{
	const char *end = bytes + length, *p = bytes;
	size_t room;

	while (p < end) {
		const char *from = p;

		/* Plain text, most of a log, goes by the line. */
		if (t->state == TEXT && t->begun && !t->returned &&
		    t->have == 0) {
			room = TERM_LINE - t->length;
			while (p < end && room > 0 && *p >= ' ' && *p <= '~') {
				p++;
				room--;
			}
			if (p > from)
				add(t, from, (size_t)(p - from));
			if (p == end)
				break;
		}
		while (!take(t, (unsigned char)*p))
			continue;
		p++;
	}
}

void
term_end(struct term *t)
{
	if (t->returned)
		t->have = t->length = 0;
	give_up(t);
	if (t->length > 0)
		emit(t, false);
	t->state = TEXT;
	t->begun = t->returned = false;
	t->mark = -1;
}
