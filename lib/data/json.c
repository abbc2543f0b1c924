/* SPDX-License-Identifier: ISC */
/* JSON, the only place that takes a jv or a JSON text apart. */

#include <endian.h>
#include <err.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <bsd/stdlib.h>

#include "base/bytes.h"
#include "data/json.h"

/* Eight equal bytes, to look at eight bytes of text in one go. */
#define EIGHT(c) (UINT64_C(0x0101010101010101) * (c))

/* Has a byte of x that is below c?  The lowest bit set tells which first. */
#define BELOW(x, c) (((x)-EIGHT(c)) & ~(x)&EIGHT(0x80))
#define EQUAL(x, c) BELOW((x) ^ EIGHT(c), 1)

struct check {
	struct json_want *want;
	const char *end;
	const char *wrong;
};

static uint64_t
load(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

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
			x = load(p);
			x = BELOW(x, 0x20) | EQUAL(x, '"') | EQUAL(x, '\\') |
			    (x & EIGHT(0x80));
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
 * Of the wants whose path led to this object, those that the member whose
 * name is between key and end leads on; what an earlier one gave is undone.
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
		c->want[i].value = (struct json_span){ NULL, 0 };
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

	if (depth == JSON_DEPTH)
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
	if (depth == JSON_DEPTH)
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
		    (struct json_span){ start, (size_t)(p - start) };
	return blanks(c, p);
}

ssize_t
json_check(
    const char *text, size_t length, struct json_want *want, size_t count)
{
	struct check c = { .want = want, .end = text + length };
	const char *p;

	if (count > JSON_WANTS)
		errx(EX_SOFTWARE, "json: %zu wants", count);
	for (size_t i = 0; i < count; i++)
		want[i].value = (struct json_span){ NULL, 0 };
	p = value(&c, text, 0, count == 0 ? 0 : UINT64_MAX >> (64 - count));
	if (p == c.end)
		return -1;
	for (size_t i = 0; i < count; i++)
		want[i].value = (struct json_span){ NULL, 0 };
	return (p != NULL ? p : c.wrong) - text;
}

jv
json_parse(const char *text, size_t length)
{
	jv_parser *parser;
	jv v, more;

	if (length > INT_MAX)
		return jv_invalid();
	parser = jv_parser_new(0);
	jv_parser_set_buf(parser, text, (int)length, 0);
	v = jv_parser_next(parser);
	if (jv_is_valid(v)) {
		more = jv_parser_next(parser);
		if (jv_is_valid(more) || jv_invalid_has_msg(jv_copy(more))) {
			jv_free(v);
			v = jv_invalid();
		}
		jv_free(more);
	}
	jv_parser_free(parser);
	return v;
}

/* Is the value a string that C can hold? */
static bool
is_text(jv v)
{
	return jv_get_kind(v) == JV_KIND_STRING &&
	    strlen(jv_string_value(v)) ==
	    (size_t)jv_string_length_bytes(jv_copy(v));
}

const char *
json_str(const jv *object, const char *name)
{
	jv v = json_get(object, name);
	const char *text = is_text(v) ? jv_string_value(v) : NULL;

	jv_free(v);
	return text;
}

jv
json_get(const jv *object, const char *name)
{
	if (jv_get_kind(*object) != JV_KIND_OBJECT)
		return jv_invalid();
	return jv_object_get(jv_copy(*object), jv_string(name));
}

static char *
duplicate(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		err(EX_OSERR, NULL);
	return copy;
}

char *
json_word(const jv *v)
{
	char *text;
	double n;

	switch (jv_get_kind(*v)) {
	case JV_KIND_STRING:
		return is_text(*v) ? duplicate(jv_string_value(*v)) : NULL;
	case JV_KIND_TRUE:
		return duplicate("true");
	case JV_KIND_FALSE:
		return duplicate("false");
	case JV_KIND_NUMBER:
		n = jv_number_value(*v);
		if (!(fabs(n) < 0x1p53) || n != trunc(n))
			return NULL;
		if (asprintf(&text, "%.0f", n == 0 ? 0 : n) == -1)
			err(EX_OSERR, NULL);
		return text;
	default:
		return NULL;
	}
}

char *
json_first(const jv *object)
{
	char *name;
	jv key;
	int i;

	if (jv_get_kind(*object) != JV_KIND_OBJECT)
		return NULL;
	i = jv_object_iter(*object);
	if (!jv_object_iter_valid(*object, i))
		return NULL;
	key = jv_object_iter_key(*object, i);
	name = json_word(&key);
	jv_free(key);
	return name;
}

int64_t
json_int(const jv *object, const char *name, int64_t otherwise)
{
	jv value = json_get(object, name);
	char *text = jv_is_valid(value) ? json_word(&value) : NULL;
	const char *wrong = "absent";
	int64_t n = 0;

	jv_free(value);
	if (text != NULL)
		n = strtonum(text, 0, INT64_C(1) << 53, &wrong);
	free(text);
	return wrong == NULL ? n : otherwise;
}

/* Is it an integer that libjq would write the same? */
static bool
is_plain(const char *text, size_t length)
{
	if (length > 15 || *text == '0')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_digit(text[i]))
			return false;
	return true;
}

char *
json_span_word(const struct json_span *span)
{
	const char *text = span->text;
	size_t length = span->length;
	char *word;
	jv v;

	/* What libjq would say, without asking it. */
	if (*text == '"' && memchr(text, '\\', length) == NULL) {
		text++;
		length -= 2;
	} else if (!is_plain(text, length)) {
		v = json_parse(text, length);
		word = json_word(&v);
		jv_free(v);
		return word;
	}
	if ((word = strndup(text, length)) == NULL)
		err(EX_OSERR, NULL);
	return word;
}

jv
json_set(jv object, const char *name, jv v)
{
	if (!jv_is_valid(v)) {
		jv_free(v);
		return json_drop(object, name);
	}
	if (jv_get_kind(object) != JV_KIND_OBJECT) {
		jv_free(v);
		return object;
	}
	return jv_object_set(object, jv_string(name), v);
}

jv
json_set_str(jv object, const char *name, const char *text)
{
	return json_set(object, name, jv_string(text));
}

jv
json_drop(jv object, const char *name)
{
	if (jv_get_kind(object) != JV_KIND_OBJECT)
		return object;
	return jv_object_delete(object, jv_string(name));
}

void
json_each(const jv *array, void (*fn)(jv, void *), void *arg)
{
	int length;

	if (jv_get_kind(*array) != JV_KIND_ARRAY)
		return;
	length = jv_array_length(jv_copy(*array));
	for (int i = 0; i < length; i++)
		fn(jv_array_get(jv_copy(*array), i), arg);
}

jv
json_head(jv array)
{
	return jv_array_get(array, 0);
}

/* A value by libjq, which knows what to escape and how to write a number. */
static void
dump(struct bytes *out, jv v)
{
	jv s = jv_dump_string(v, 0);

	bytes_add(out, jv_string_value(s),
	    (size_t)jv_string_length_bytes(jv_copy(s)));
	jv_free(s);
}

static bool
is_bare(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 ||
		    (unsigned char)text[i] > 0x7e || text[i] == '"' ||
		    text[i] == '\\')
			return false;
	return true;
}

static void
put_string(struct bytes *out, jv v)
{
	const char *text = jv_string_value(v);
	size_t length = (size_t)jv_string_length_bytes(jv_copy(v));

	if (!is_bare(text, length)) {
		dump(out, v);
		return;
	}
	bytes_add(out, "\"", 1);
	bytes_add(out, text, length);
	bytes_add(out, "\"", 1);
	jv_free(v);
}

/* As jv_dumpf(), which takes ten times as long for plain strings. */
static void
put_value(struct bytes *out, jv v)
{
	size_t separator = 0;

	if (jv_get_kind(v) == JV_KIND_STRING) {
		put_string(out, v);
		return;
	}
	if (jv_get_kind(v) != JV_KIND_OBJECT) {
		dump(out, v);
		return;
	}
	bytes_add(out, "{", 1);
	for (int i = jv_object_iter(v); jv_object_iter_valid(v, i);
	     i = jv_object_iter_next(v, i)) {
		bytes_add(out, ",", separator);
		separator = 1;
		put_string(out, jv_object_iter_key(v, i));
		bytes_add(out, ":", 1);
		put_value(out, jv_object_iter_value(v, i));
	}
	bytes_add(out, "}", 1);
	jv_free(v);
}

char *
json_text(jv v)
{
	struct bytes text = { NULL, 0, 0 };

	if (!jv_is_valid(v)) {
		jv_free(v);
		v = jv_null();
	}
	bytes_room(&text, 1024);
	put_value(&text, v);
	bytes_add(&text, "", 1);
	return text.text;
}

/*
 * The code point at p if it is not to be seen raw, and its length in bytes;
 * else 0.  Whatever wants escaping is in the Basic Multilingual Plane.
 */
static unsigned
unsafe(const char *p, const char *end, size_t *length)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t left = (size_t)(end - p);
	unsigned u;

	if (s[0] == 0x7f) {
		*length = 1;
		return 0x7f;
	}
	if ((s[0] == 0xc2 || s[0] == 0xd8) && left >= 2) {
		*length = 2;
		u = (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
		return u < 0xa0 || u == 0x61c ? u : 0;
	}
	if (s[0] == 0xe2 && left >= 3) {
		*length = 3;
		u = 0x2000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
		return u == 0x200e || u == 0x200f ||
			(u >= 0x2028 && u <= 0x202e) ||
			(u >= 0x2066 && u <= 0x2069) ?
		    u :
		    0;
	}
	return 0;
}

/* A stream into memory that cannot grow says so here, and nowhere else. */
static void
put(FILE *out, const char *text, size_t length)
{
	if (fwrite(text, 1, length, out) != length)
		err(EX_OSERR, NULL);
}

void
json_print(FILE *out, const char *text, size_t length)
{
	const char *end = text + length, *p = text;
	size_t skip;
	unsigned u;
	uint64_t x;

	while (p < end) {
		if (end - p >= 8) {
			x = load(p);
			x = BELOW(x, 0x20) | EQUAL(x, 0x7f) | (x & EIGHT(0x80));
			if (x == 0) {
				p += 8;
				continue;
			}
			p += __builtin_ctzll(x) / 8;
		}
		skip = 1;
		u = unsafe(p, end, &skip);
		if (u == 0 && (unsigned char)*p >= 0x20) {
			do
				p++;
			while (p < end && (*p & 0xc0) == 0x80);
			continue;
		}
		put(out, text, (size_t)(p - text));
		if (u == 0)
			put(out, " ", 1);
		else if (fprintf(out, "\\u%04x", u) < 0)
			err(EX_OSERR, NULL);
		p += skip;
		text = p;
	}
	put(out, text, (size_t)(end - text));
}
