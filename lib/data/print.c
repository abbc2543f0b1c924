/* SPDX-License-Identifier: ISC */
/* JSON, written. */
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include "data/eight.h"
#include "data/print.h"

/* Add the comma that is due before a name or a value. */
static void
separate(struct bytes *out)
{
	if (out->length > 0 &&
	    strchr("{[:\n", out->text[out->length - 1]) == NULL)
		bytes_add(out, ",", 1);
}

void
print_open(struct bytes *out, char bracket)
{
	separate(out);
	bytes_add(out, &bracket, 1);
}

void
print_close(struct bytes *out, char bracket)
{
	bytes_add(out, &bracket, 1);
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

void
print_string(struct bytes *out, const char *text)
{
	size_t length = strlen(text);

	separate(out);
	if (!is_bare(text, length)) {
		dump(out, jv_string_sized(text, (int)length));
		return;
	}
	bytes_add(out, "\"", 1);
	bytes_add(out, text, length);
	bytes_add(out, "\"", 1);
}

void
print_name(struct bytes *out, const char *name)
{
	print_string(out, name);
	bytes_add(out, ":", 1);
}

void
print_int(struct bytes *out, int64_t n)
{
	char text[24];

	separate(out);
	bytes_add(
	    out, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, n));
}

void
print_member(struct bytes *out, const char *name, const char *text)
{
	print_name(out, name);
	print_string(out, text);
}

/* A string of libjq's, which may hold NUL. */
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

/* The text of a value, ended by NUL. */
static struct bytes
text_of(jv v)
{
	struct bytes text = { NULL, 0, 0 };

	if (!jv_is_valid(v)) {
		jv_free(v);
		v = jv_null();
	}
	bytes_room(&text, 1024);
	put_value(&text, v);
	bytes_add(&text, "", 1);
	return text;
}

char *
print_text(jv v)
{
	return text_of(v).text;
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

void
print_safe(struct bytes *out, const char *text, size_t length)
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
		bytes_add(out, text, (size_t)(p - text));
		if (u == 0)
			bytes_add(out, " ", 1);
		else {
			snprintf(escape, sizeof(escape), "\\u%04x", u & 0xffff);
			bytes_add(out, escape, 6);
		}
		p += skip;
		text = p;
	}
	bytes_add(out, text, (size_t)(end - text));
}

char *
print_plain(const char *text, bool lines)
{
	const char *end = text + strlen(text);
	struct bytes out = { NULL, 0, 0 };

	while (text < end) {
		size_t length = 1;

		if (unsafe(text, end, &length) != 0)
			bytes_add(&out, "\xef\xbf\xbd", 3);
		else if (*text == '\t' || (*text == '\n' && !lines))
			bytes_add(&out, " ", 1);
		else if ((unsigned char)*text < 0x20 && *text != '\n')
			bytes_add(&out, "\xef\xbf\xbd", 3);
		else
			bytes_add(&out, text, length);
		text += length;
	}
	bytes_add(&out, "", 1);
	return out.text;
}

void
print_line(FILE *out, jv v)
{
	struct bytes text = text_of(v), line = { NULL, 0, 0 };

	print_safe(&line, text.text, text.length - 1);
	bytes_add(&line, "\n", 1);
	if (fwrite(line.text, 1, line.length, out) != line.length)
		err(EX_IOERR, out == stdout ? "stdout" : NULL);
	bytes_free(&text);
	bytes_free(&line);
}
