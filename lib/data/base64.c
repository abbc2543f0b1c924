/* SPDX-License-Identifier: ISC */
/*
 * Base64 (RFC 4648), decoded strictly.  nettle decodes, too, but passes over
 * blanks, needs a second look at the length for that, and takes 10 us for the
 * 4 kB of a webhook.
 */
#include <stdint.h>
#include <string.h>

#include "data/base64.h"

#define BAD 64

static const char digits[2][65] = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

/* What each character means, or BAD. */
static const uint8_t *
values(int spelling)
{
	static uint8_t tables[2][256];
	size_t which = (spelling & BASE64_URL) != 0;
	uint8_t *value = tables[which];

	if (value[0] == BAD)
		return value;
	memset(value, BAD, sizeof(tables[which]));
	for (uint8_t i = 0; i < 64; i++)
		value[(unsigned char)digits[which][i]] = i;
	return value;
}

/* Decode two, three or four characters at the end. */
static bool
decode_last(unsigned char *out, const unsigned char *in, size_t many,
    const uint8_t *value)
{
	uint8_t v[4] = { 0 }, bad = 0;

	for (size_t i = 0; i < many; i++)
		bad |= v[i] = value[in[i]];
	out[0] = (unsigned char)(v[0] << 2 | v[1] >> 4);
	if (many > 2)
		out[1] = (unsigned char)(v[1] << 4 | v[2] >> 2);
	if (many > 3)
		out[2] = (unsigned char)(v[2] << 6 | v[3]);
	return (bad & BAD) == 0 && (many > 2 || (v[1] & 15) == 0) &&
	    (many > 3 || (v[2] & 3) == 0);
}

bool
base64_decode(
    void *bytes, size_t *length, const char *text, size_t n, int spelling)
{
	const unsigned char *in = (const unsigned char *)text, *end;
	const uint8_t *value = values(spelling);
	unsigned char *out = bytes;
	bool bare = (spelling & BASE64_BARE) != 0;
	size_t last = n % 4;
	uint8_t a, b, c, d, bad = 0;

	*length = 0;
	if (bare ? last == 1 : last != 0)
		return false;
	if (n == 0)
		return true;
	for (end = in + (n - 1) / 4 * 4; in < end; in += 4, out += 3) {
		bad |= a = value[in[0]];
		bad |= b = value[in[1]];
		bad |= c = value[in[2]];
		bad |= d = value[in[3]];
		out[0] = (unsigned char)(a << 2 | b >> 4);
		out[1] = (unsigned char)(b << 4 | c >> 2);
		out[2] = (unsigned char)(c << 6 | d);
	}
	if (last == 0)
		last = bare || end[3] != '=' ? 4 : end[2] != '=' ? 3 : 2;
	*length = (size_t)(out - (unsigned char *)bytes) + last - 1;
	return decode_last(out, end, last, value) && (bad & BAD) == 0;
}

size_t
base64_encode(char *text, const void *bytes, size_t n, int spelling)
{
	const char *digit = digits[(spelling & BASE64_URL) != 0];
	const unsigned char *in = bytes;
	char *out = text;
	uint32_t bits;

	for (; n >= 3; n -= 3, in += 3) {
		bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
		*out++ = digit[bits >> 18];
		*out++ = digit[bits >> 12 & 63];
		*out++ = digit[bits >> 6 & 63];
		*out++ = digit[bits & 63];
	}
	if (n > 0) {
		bits = (uint32_t)in[0] << 16;
		if (n > 1)
			bits |= (uint32_t)in[1] << 8;
		*out++ = digit[bits >> 18];
		*out++ = digit[bits >> 12 & 63];
		if (n > 1)
			*out++ = digit[bits >> 6 & 63];
		for (; n < 3 && (spelling & BASE64_BARE) == 0; n++)
			*out++ = '=';
	}
	return (size_t)(out - text);
}
