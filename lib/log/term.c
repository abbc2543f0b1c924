/* SPDX-License-Identifier: ISC */
/* What a CI's job wrote for a terminal, as plain lines. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "log/screen.h"
#include "log/term.h"

#define ESC 0x1b
#define BEL 0x07
#define DEL 0x7f

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

	struct screen screen; /* where the line is still drawn */
	char line[TERM_LINE]; /* its rows before that one */
	size_t length;
	int64_t mark; /* the last time mark */
	int64_t time; /* of the line */
	bool begun; /* the line has had a byte */

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

/* Put the row behind those before it, and begin another. */
static void
wrap(struct term *t)
{
	char text[SCREEN_BYTES];
	size_t length = screen_take(&t->screen, text);

	if (t->length + length > TERM_LINE)
		emit(t, false);
	memcpy(t->line + t->length, text, length);
	t->length += length;
}

/* Add a whole character, or ASCII. */
static void
add(struct term *t, const char *text, size_t length)
{
	while (!screen_put(&t->screen, text, length))
		wrap(t);
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

/* The line has its first byte, if it had none: it is of now. */
static void
begin(struct term *t)
{
	if (!t->begun)
		t->time = t->mark;
	t->begun = true;
}

static void
text(struct term *t, unsigned char c)
{
	begin(t);
	if (c >= ' ' && c != DEL) {
		letter(t, c);
		return;
	}
	give_up(t);
	switch (c) {
	case '\n':
		wrap(t);
		emit(t, true);
		t->begun = false;
		break;
	case '\t':
		add(t, "\t", 1);
		break;
	case '\b':
		screen_left(&t->screen, 1);
		break;
	case '\r':
		screen_column(&t->screen, 0);
	}
}

/* One of the pairs of a string sequence, "name=value;name='value'". */
struct pair {
	const char *name;
	size_t name_length;
	char value[SEQUENCE + 1]; /* without its quotes and backslashes */
};

/* The pair at p, which moves on to the next; false if there is none. */
static bool
next_pair(const char **p, const char *end, struct pair *pair)
{
	const char *at = *p;
	size_t length = 0;
	char quote = '\0';

	if (at >= end)
		return false;
	pair->name = at;
	while (at < end && *at != '=' && *at != ';')
		at++;
	pair->name_length = (size_t)(at - pair->name);
	if (at < end && *at == '=') {
		at++;
		if (at < end && (*at == '\'' || *at == '"'))
			quote = *at++;
		for (; at < end; at++) {
			if (quote == '\0' ?
				*at == ';' :
				*at == quote && (at + 1 == end || at[1] == ';'))
				break;
			if (*at == '\\' && at + 1 < end)
				at++;
			pair->value[length++] = *at;
		}
		if (quote != '\0' && at < end)
			at++;
	}
	pair->value[length] = '\0';
	*p = at < end ? at + 1 : end;
	return true;
}

static bool
named(const struct pair *pair, const char *name)
{
	return pair->name_length == strlen(name) &&
	    memcmp(pair->name, name, pair->name_length) == 0;
}

/* The digits that a text begins with, LAST + 1 for what no date can tell. */
static int64_t
digits(const char *text)
{
	int64_t n = 0;

	for (; *text >= '0' && *text <= '9' && n <= LAST; text++)
		n = n * 10 + (*text - '0');
	return n <= LAST ? n : LAST + 1;
}

/* A time mark, "t=1787300912004" or "dt=12", maybe with more pairs. */
static void
mark(struct term *t, const char *p, const char *end)
{
	struct pair pair;
	int64_t n;

	while (next_pair(&p, end, &pair)) {
		if (named(&pair, "t"))
			n = digits(pair.value);
		else if (named(&pair, "dt") && t->mark != -1)
			n = t->mark + digits(pair.value);
		else
			continue;
		if (n <= LAST)
			t->mark = n;
	}
}

static void
words(struct term *t, const char *text)
{
	begin(t);
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= ' ' && *text != DEL)
			letter(t, (unsigned char)*text);
	give_up(t);
}

/* A link or an image: what it says, and where it leads. */
static void
reference(struct term *t, const char *p, const char *end)
{
	char said[SEQUENCE + 1] = "", url[SEQUENCE + 1] = "";
	struct pair pair;
	bool both;

	while (next_pair(&p, end, &pair))
		if (named(&pair, "content") || named(&pair, "alt"))
			strcpy(said, pair.value);
		else if (named(&pair, "url"))
			strcpy(url, pair.value);
	both = *said != '\0' && *url != '\0' && strcmp(said, url) != 0;
	words(t, said);
	if (both)
		words(t, " (");
	if (both || *said == '\0')
		words(t, url);
	if (both)
		words(t, ")");
}

/* A string sequence is whole: Buildkite's mean something. */
static void
string(struct term *t)
{
	static const struct {
		const char *prefix;
		void (*fn)(struct term *, const char *, const char *);
	} kinds[] = { { "_bk;", mark }, { "]1338;", reference },
		{ "]1339;", reference } };
	const char *p = t->sequence, *end = p + t->sequence_length;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i].prefix);

		if (t->sequence_length >= length &&
		    memcmp(p, kinds[i].prefix, length) == 0)
			kinds[i].fn(t, p + length, end);
	}
}

/* A control sequence is whole: some move the cursor, or erase. */
static void
control(struct term *t, unsigned char c)
{
	const char *p = t->sequence + 1;
	const char *end = t->sequence + t->sequence_length;
	size_t n = 0, count;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		if (n < SCREEN_CELLS)
			n = n * 10 + (size_t)(*p - '0');
	if (p < end && *p != ';') /* somebody's own */
		return;
	if (c != 'm')
		give_up(t);
	count = n > 0 ? n : 1;
	switch (c) {
	case 'C':
		screen_right(&t->screen, count);
		break;
	case 'D':
		screen_left(&t->screen, count);
		break;
	case 'G':
	case '`':
		screen_column(&t->screen, count - 1);
		break;
	case 'J':
	case 'K':
		if (n == 0 || n == 2)
			screen_erase_right(&t->screen);
		if (n == 1 || n == 2)
			screen_erase_left(&t->screen);
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

/* An ESC and a byte: save the cursor, or restore it. */
static void
escape(struct term *t, unsigned char c)
{
	if (c == '7')
		t->screen.saved = t->screen.cursor;
	else if (c == '8')
		t->screen.cursor = t->screen.saved;
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
		else {
			finish(t);
			escape(t, c);
		}
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
		if (c >= 0x40 && c <= 0x7e) {
			finish(t);
			control(t, c);
		} else
			good =
			    c >= 0x20 && c <= 0x2f && keep(t, c, INTERMEDIATE);
		break;
	case STRING_ESCAPE:
		if (c == '\\') {
			t->sequence_length--;
			string(t);
			finish(t);
			break;
		}
		/* FALLTHROUGH */
	case STRING:
		if (c == BEL) {
			string(t);
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

	while (p < end) {
		const char *from = p;

		/* Plain text, most of a log, goes by the line. */
		if (t->state == TEXT && t->begun && t->have == 0) {
			while (p < end && *p >= ' ' && *p <= '~')
				p++;
			while (from < p) {
				from += screen_put_ascii(
				    &t->screen, from, (size_t)(p - from));
				if (from < p)
					wrap(t);
			}
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
	give_up(t);
	wrap(t);
	if (t->length > 0)
		emit(t, false);
	t->state = TEXT;
	t->begun = false;
	t->mark = -1;
}
