/* SPDX-License-Identifier: ISC */
/* Each sequence of bytes has one spelling in base64, and no other is taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base64.h>

#include "data/base64.h"
#include "tap.h"

/* Does nettle, which passes over blanks, decode to what spells it so? */
static bool
is_spelling(const char *text, size_t n)
{
	struct base64_decode_ctx ctx;
	uint8_t bytes[64];
	char again[96];
	size_t length = sizeof(bytes);

	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &length, bytes, n, text) ||
	    !base64_decode_final(&ctx) || BASE64_ENCODE_RAW_LENGTH(length) != n)
		return false;
	base64_encode_raw(again, length, bytes);
	return memcmp(again, text, n) == 0;
}

static const struct {
	int spelling;
	const char *name;
	const char *text, *bytes;
} vectors[] = {
	/* RFC 4648 section 10 */
	{ 0, "padded", "", "" },
	{ 0, "padded", "Zg==", "f" },
	{ 0, "padded", "Zm8=", "fo" },
	{ 0, "padded", "Zm9v", "foo" },
	{ 0, "padded", "Zm9vYg==", "foob" },
	{ 0, "padded", "Zm9vYmE=", "fooba" },
	{ 0, "padded", "Zm9vYmFy", "foobar" },
	{ 0, "padded", "/+++/w==", "\xff\xef\xbe\xff" },
	{ BASE64_URL, "of URLs", "_---_w==", "\xff\xef\xbe\xff" },
	{ BASE64_BARE, "bare", "/+++/w", "\xff\xef\xbe\xff" },
	{ BASE64_URL | BASE64_BARE, "of URLs, bare", "", "" },
	{ BASE64_URL | BASE64_BARE, "of URLs, bare", "Zg", "f" },
	{ BASE64_URL | BASE64_BARE, "of URLs, bare", "Zm8", "fo" },
	{ BASE64_URL | BASE64_BARE, "of URLs, bare", "Zm9v", "foo" },
	{ BASE64_URL | BASE64_BARE, "of URLs, bare", "_---", "\xff\xef\xbe" },
};

static void
test_vectors(void)
{
	char out[32], text[32], fact[96];
	size_t length;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const char *want = vectors[i].text;
		size_t n = strlen(vectors[i].bytes);

		snprintf(fact, sizeof(fact), "\"%s\" %s is decoded", want,
		    vectors[i].name);
		ok(base64_decode(
		       out, &length, want, strlen(want), vectors[i].spelling) &&
			length == n && memcmp(out, vectors[i].bytes, n) == 0,
		    fact);
		snprintf(fact, sizeof(fact), "\"%s\" %s is encoded", want,
		    vectors[i].name);
		length = base64_encode(
		    text, vectors[i].bytes, n, vectors[i].spelling);
		ok(length == strlen(want) && memcmp(text, want, length) == 0,
		    fact);
	}
}

static void
test_wrong(void)
{
	static const char *const padded[] = { "Z", "Zg",
		"Zg=", "Zh==", "Zm9=", "Zm8", "Z===", "====", "Zm 8", "Zm8\n",
		"Zm8=Zm8=", "Zm-v", "Zm_v", "=m9v", "Zg=v", "Zm9v====", NULL };
	static const char *const bare[] = { "Z", "Zh", "Zm9",
		"Zg==", "Zm8=", "Zm+v", "Zm/v", "Zm9vZ", "Zm 8", "=", NULL };
	char out[32];
	size_t length;
	bool good = true;

	for (size_t i = 0; padded[i] != NULL; i++)
		good = good &&
		    !base64_decode(
			out, &length, padded[i], strlen(padded[i]), 0);
	ok(good, "other spellings are refused");
	good = true;
	for (size_t i = 0; bare[i] != NULL; i++)
		good = good &&
		    !base64_decode(out, &length, bare[i], strlen(bare[i]),
			BASE64_URL | BASE64_BARE);
	ok(good, "other bare spellings of URLs are refused");
}

/* All lengths and bytes, there and back, and as nettle has them. */
static void
test_bytes(void)
{
	unsigned char bytes[61];
	char want[96], text[96], out[80];
	size_t length, n;
	bool back = true, same = true;

	for (n = 0; n < sizeof(bytes); n++)
		for (int b = 0; b < 256; b++) {
			memset(bytes, b, n);
			if (n > 0)
				bytes[n - 1] = (unsigned char)(b * 7 + 1);
			base64_encode_raw(want, n, bytes);
			length = base64_encode(text, bytes, n, 0);
			same = same && length == BASE64_ENCODE_RAW_LENGTH(n) &&
			    memcmp(text, want, length) == 0;
			for (int spelling = 0; spelling < 4; spelling++) {
				length =
				    base64_encode(text, bytes, n, spelling);
				back = back &&
				    base64_decode(
					out, &length, text, length, spelling) &&
				    length == n && memcmp(out, bytes, n) == 0;
			}
		}
	ok(same, "nettle encodes all bytes the same");
	ok(back, "what is encoded is decoded");
}

static void
test_random(void)
{
	static const char some[] = "AZaz09+/=\n -Bg";
	size_t length, agreed = 0, taken = 0;
	char text[16], out[16];
	bool good;

	srand(1);
	for (int i = 0; i < 200000; i++) {
		size_t n = (size_t)rand() % 13;

		for (size_t j = 0; j < n; j++)
			text[j] = some[(size_t)rand() % (sizeof(some) - 1)];
		good = base64_decode(out, &length, text, n, 0);
		agreed += good == is_spelling(text, n);
		taken += good;
	}
	printf("# %zu random texts are spellings\n", taken);
	ok(agreed == 200000 && taken > 1000,
	    "nettle agrees what is a spelling");
}

int
main(void)
{
	test_vectors();
	test_wrong();
	test_bytes();
	test_random();
	return done();
}
