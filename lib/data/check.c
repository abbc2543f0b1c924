/* SPDX-License-Identifier: ISC */
/* Is a text JSON, and where in it is what we want? */
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include "data/check.h"
#include "data/eight.h"

#define STRING_(x) #x
#define STRING(x) STRING_(x)

struct check {
	struct check_want *want;
	const char *end;
	const char *wrong;
};

static const char *
wrong(struct check *c, const char *p)
{
	c->wrong = p;
	return NULL;
}

/* The byte at p, or -1 at the end. */
static int
peek(const struct check *c, const char *p)
{
	return p < c->end ? (unsigned char)*p : -1;
}

static bool
is_digit(int ch)
{
	return ch >= '0' && ch <= '9';
}

/* The value of a hexadecimal digit, or -1. */
static int
hex(int ch)
{
	if (is_digit(ch))
		return ch - '0';
	if ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f')
		return (ch | 0x20) - 'a' + 10;
	return -1;
}

static const char *
blanks(const struct check *c, const char *p)
{
	while (
	    p < c->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

static const char *
literal(struct check *c, const char *p, const char *word)
{
	for (; *word != '\0'; p++, word++)
		if (peek(c, p) != *word)
			return wrong(c, p);
	return p;
}

/* One digit or more. */
static const char *
digits(struct check *c, const char *p)
{
	if (!is_digit(peek(c, p)))
		return wrong(c, p);
	do
		p++;
	while (is_digit(peek(c, p)));
	return p;
}

static const char *
number(struct check *c, const char *p)
{
	if (*p == '-')
		p++;
	if (peek(c, p) == '0')
		p++;
	else if ((p = digits(c, p)) == NULL)
		return NULL;
	if (peek(c, p) == '.' && (p = digits(c, p + 1)) == NULL)
		return NULL;
	if ((peek(c, p) | 0x20) == 'e') {
		p++;
		if (peek(c, p) == '+' || peek(c, p) == '-')
			p++;
		p = digits(c, p);
	}
	return p;
}

/* A character beyond ASCII, by the table in RFC 3629 section 4. */
static const char *
utf8(struct check *c, const char *p)
{
	int lead = (unsigned char)*p++;
	int least = 0x80, most = 0xbf, more;

	if (lead >= 0xc2 && lead <= 0xdf)
		more = 1;
	else if (lead >= 0xe0 && lead <= 0xef)
		more = 2;
	else if (lead >= 0xf0 && lead <= 0xf4)
		more = 3;
	else
		return wrong(c, p - 1);
	if (lead == 0xe0)
		least = 0xa0;
	else if (lead == 0xed)
		most = 0x9f;
	else if (lead == 0xf0)
		least = 0x90;
	else if (lead == 0xf4)
		most = 0x8f;
	for (; more > 0; more--, p++) {
		if (peek(c, p) < least || peek(c, p) > most)
			return wrong(c, p);
		least = 0x80;
		most = 0xbf;
	}
	return p;
}

static const char *
escape(struct check *c, const char *p)
{
	switch (peek(c, ++p)) {
	case '"':
	case '/':
	case '\\':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 1;
	case 'u':
		for (int i = 0; i < 4; i++)
			if (hex(peek(c, ++p)) == -1)
				return wrong(c, p);
		return p + 1;
	default:
		return wrong(c, p);
	}
}

static const char *
string(struct check *c, const char *p, bool *escaped)
{
	uint64_t x;

	*escaped = false;
	if (peek(c, p) != '"')
		return wrong(c, p);
	for (p++;;) {
		while (c->end - p >= 8) {
			x = eight_load(p);
			x = EIGHT_BELOW(x, 0x20) | EIGHT_EQUAL(x, '"') |
			    EIGHT_EQUAL(x, '\\') | (x & EIGHT(0x80));
			if (x != 0) {
				p += __builtin_ctzll(x) / 8;
				break;
			}
			p += 8;
		}
		switch (peek(c, p)) {
		case '"':
			return p + 1;
		case '\\':
			*escaped = true;
			p = escape(c, p);
			break;
		default:
			if (peek(c, p) < 0x20)
				return wrong(c, p);
			if (peek(c, p) < 0x80)
				p++;
			else
				do
					p = utf8(c, p);
				while (p != NULL && peek(c, p) >= 0x80);
		}
		if (p == NULL)
			return NULL;
	}
}

/* The UTF-16 unit of the \u escape whose digits are at p. */
static unsigned
unit(const char *p)
{
	unsigned u = 0;

	for (int i = 0; i < 4; i++)
		u = u << 4 | (unsigned)hex((unsigned char)p[i]);
	return u;
}

/*
 * The bytes that the escape at *p means, as a string; empty for what no C
 * string holds, NUL and half a surrogate pair.
 */
static void
unescape(const char **p, char bytes[5])
{
	static const char from[] = "\"/\\bfnrt", to[] = "\"/\\\b\f\n\r\t";
	const char *s = *p + 1;
	unsigned u;

	memset(bytes, 0, 5);
	if (*s != 'u') {
		bytes[0] = to[strchr(from, *s) - from];
		*p = s + 1;
		return;
	}
	u = unit(s + 1);
	s += 5;
	if (u >= 0xd800 && u <= 0xdbff && s[0] == '\\' && s[1] == 'u' &&
	    unit(s + 2) >= 0xdc00 && unit(s + 2) <= 0xdfff) {
		u = 0x10000 + ((u - 0xd800) << 10) + (unit(s + 2) - 0xdc00);
		s += 6;
	}
	*p = s;
	if (u < 0x80) {
		bytes[0] = (char)u;
	} else if (u < 0x800) {
		bytes[0] = (char)(0xc0 | u >> 6);
		bytes[1] = (char)(0x80 | (u & 0x3f));
	} else if (u < 0x10000) {
		if (u >= 0xd800 && u <= 0xdfff)
			return;
		bytes[0] = (char)(0xe0 | u >> 12);
		bytes[1] = (char)(0x80 | (u >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (u & 0x3f));
	} else {
		bytes[0] = (char)(0xf0 | u >> 18);
		bytes[1] = (char)(0x80 | (u >> 12 & 0x3f));
		bytes[2] = (char)(0x80 | (u >> 6 & 0x3f));
		bytes[3] = (char)(0x80 | (u & 0x3f));
	}
}

/* Does the inside of a checked string, up to its quote, mean the name? */
static bool
means(const char *p, const char *name)
{
	char bytes[5];
	size_t length;

	while (*p != '"') {
		if (*p != '\\') {
			if (*p++ != *name++)
				return false;
			continue;
		}
		unescape(&p, bytes);
		length = strlen(bytes);
		if (length == 0 || strncmp(name, bytes, length) != 0)
			return false;
		name += length;
	}
	return *name == '\0';
}

/*
 * Return which of these wants go on through the member whose name is between
 * key and end.  A value found under an earlier member of that name is dropped:
 * the last one wins.
 */
static uint64_t
lead(struct check *c, const char *key, const char *end, bool escaped,
    unsigned depth, uint64_t wanted)
{
	size_t length = (size_t)(end - key);
	uint64_t on = 0;
	const char *name;
	bool same;
	unsigned i;

	for (; wanted != 0; wanted &= wanted - 1) {
		i = (unsigned)__builtin_ctzll(wanted);
		name = c->want[i].path[depth];
		if (escaped)
			same = means(key, name);
		else
			/* Most names differ in the first letter. */
			same = (length == 0 || *name == *key) &&
			    strncmp(name, key, length) == 0 &&
			    name[length] == '\0';
		if (!same)
			continue;
		c->want[i].value = (struct check_span){ NULL, 0 };
		on |= UINT64_C(1) << i;
	}
	return on;
}

static const char *value(struct check *, const char *, unsigned, uint64_t);

static const char *
object(struct check *c, const char *p, unsigned depth, uint64_t wanted)
{
	const char *key;
	uint64_t on;
	bool escaped;

	if (depth == CHECK_DEPTH)
		return wrong(c, p);
	p = blanks(c, p + 1);
	if (peek(c, p) == '}')
		return p + 1;
	for (;;) {
		key = p;
		if ((p = string(c, p, &escaped)) == NULL)
			return NULL;
		on = lead(c, key + 1, p - 1, escaped, depth, wanted);
		p = blanks(c, p);
		if (peek(c, p) != ':')
			return wrong(c, p);
		if ((p = value(c, p + 1, depth + 1, on)) == NULL)
			return NULL;
		if (peek(c, p) == '}')
			return p + 1;
		if (peek(c, p) != ',')
			return wrong(c, p);
		p = blanks(c, p + 1);
	}
}

static const char *
array(struct check *c, const char *p, unsigned depth)
{
	if (depth == CHECK_DEPTH)
		return wrong(c, p);
	p = blanks(c, p + 1);
	if (peek(c, p) == ']')
		return p + 1;
	for (;;) {
		if ((p = value(c, p, depth + 1, 0)) == NULL)
			return NULL;
		if (peek(c, p) == ']')
			return p + 1;
		if (peek(c, p) != ',')
			return wrong(c, p);
		p++;
	}
}

/*
 * A value and the blanks around it, at a depth of containers; the bits of
 * wanted are the wants whose path leads here.
 */
static const char *
value(struct check *c, const char *p, unsigned depth, uint64_t wanted)
{
	uint64_t whole = 0;
	const char *start;
	bool escaped;

	for (uint64_t w = wanted; w != 0; w &= w - 1)
		if (c->want[__builtin_ctzll(w)].path[depth] == NULL)
			whole |= w & -w;
	p = blanks(c, p);
	start = p;
	switch (peek(c, p)) {
	case '{':
		p = object(c, p, depth, wanted & ~whole);
		break;
	case '[':
		p = array(c, p, depth);
		break;
	case '"':
		p = string(c, p, &escaped);
		break;
	case 't':
		p = literal(c, p, "true");
		break;
	case 'f':
		p = literal(c, p, "false");
		break;
	case 'n':
		p = literal(c, p, "null");
		break;
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		p = number(c, p);
		break;
	default:
		return wrong(c, p);
	}
	if (p == NULL)
		return NULL;
	for (; whole != 0; whole &= whole - 1)
		c->want[__builtin_ctzll(whole)].value =
		    (struct check_span){ start, (size_t)(p - start) };
	return blanks(c, p);
}

ssize_t
check_json(
    const char *text, size_t length, struct check_want *want, size_t count)
{
	struct check c = { .want = want, .end = text + length };
	const char *p;

	if (count > CHECK_WANTS)
		errx(EX_SOFTWARE, "json: %zu wants", count);
	for (size_t i = 0; i < count; i++)
		want[i].value = (struct check_span){ NULL, 0 };
	p = value(&c, text, 0, count == 0 ? 0 : UINT64_MAX >> (64 - count));
	if (p == c.end)
		return -1;
	for (size_t i = 0; i < count; i++)
		want[i].value = (struct check_span){ NULL, 0 };
	return (p != NULL ? p : c.wrong) - text;
}

const char *
check_why(const char *text, size_t length, ssize_t at)
{
	const char *p = text, *end = text + at;
	bool quoted = false;
	unsigned depth = 0;

	for (; p < end; p++)
		if (*p == '"')
			quoted = !quoted;
		else if (quoted)
			p += *p == '\\';
		else if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
	return (size_t)at < length && (*end == '{' || *end == '[') &&
		depth == CHECK_DEPTH ?
	    "nested deeper than " STRING(CHECK_DEPTH) " levels" :
	    "not JSON";
}
