/* SPDX-License-Identifier: ISC */
/* Base64 (RFC 4648 section 4), decoded fast. */
#include <stdint.h>

#include "data/base64.h"

#define BAD 64

/* What each character means. */
static const uint8_t *
values(void)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	static uint8_t value[256];

	if (value[0] == BAD)
		return value;
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = BAD;
	for (uint8_t i = 0; i < 64; i++)
		value[(unsigned char)digits[i]] = i;
	return value;
}

/* Of four, the first many count. */
static bool
quantum(char *out, const unsigned char *in, size_t many, const uint8_t *value)
{
	uint8_t v[4] = { 0 }, bad = 0;

	for (size_t i = 0; i < many; i++)
		bad |= v[i] = value[in[i]];
	out[0] = (char)(v[0] << 2 | v[1] >> 4);
	if (many > 2)
		out[1] = (char)(v[1] << 4 | v[2] >> 2);
	if (many > 3)
		out[2] = (char)(v[2] << 6 | v[3]);
	return (bad & BAD) == 0 && (many > 2 || (v[1] & 15) == 0) &&
	    (many > 3 || (v[2] & 3) == 0);
}

bool
base64_decode(char *out, size_t *length, const char *text, size_t n)
{
	const unsigned char *in = (const unsigned char *)text, *end;
	const uint8_t *value = values();
	char *start = out;
	size_t last;
	bool good = true;

	*length = 0;
	if (n % 4 != 0)
		return false;
	if (n == 0)
		return true;
	end = in + n - 4;
	for (; good && in < end; in += 4, out += 3)
		good = quantum(out, in, 4, value);
	last = end[3] != '=' ? 4 : end[2] != '=' ? 3 : 2;
	good = good && quantum(out, end, last, value);
	*length = (size_t)(out - start) + last - 1;
	return good;
}
