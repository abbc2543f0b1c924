/* SPDX-License-Identifier: ISC */
/* JSON, written. */
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "data/eight.h"
#include "data/print.h"

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
print_text(jv v)
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
	if (fwrite(text, 1, length, out) == length)
		return;
	if (out == stdout)
		err(EX_IOERR, "stdout");
	mem_refused();
}

void
print_safe(FILE *out, const char *text, size_t length)
{
	const char *end = text + length, *p = text;
	char escape[8];
	size_t skip;
	unsigned u;
	uint64_t x;

	while (p < end) {
		if (end - p >= 8) {
			x = eight_load(p);
			x = EIGHT_BELOW(x, 0x20) | EIGHT_EQUAL(x, 0x7f) |
			    (x & EIGHT(0x80));
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
		else {
			snprintf(escape, sizeof(escape), "\\u%04x", u);
			put(out, escape, 6);
		}
		p += skip;
		text = p;
	}
	put(out, text, (size_t)(end - text));
}

void
print_line(FILE *out, jv v)
{
	char *text = print_text(v);

	print_safe(out, text, strlen(text));
	put(out, "\n", 1);
	free(text);
}
