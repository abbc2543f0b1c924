/* SPDX-License-Identifier: ISC */
/* Each sequence of bytes has one spelling in base64, and no other is taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base64.h>

#include "data/base64.h"

static int tests, failed;

static void
ok(int good, const char *fact)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, fact);
	failed += !good;
}

/* Does nettle, which passes over blanks, decode to what spells it so? */
static int
is_spelling(const char *text, size_t n)
{
	struct base64_decode_ctx ctx;
	uint8_t bytes[64];
	char again[96];
	size_t length = sizeof(bytes);

	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &length, bytes, n, text) ||
	    !base64_decode_final(&ctx) || BASE64_ENCODE_RAW_LENGTH(length) != n)
		return 0;
	base64_encode_raw(again, length, bytes);
	return memcmp(again, text, n) == 0;
}

int
main(void)
{
	static const struct {
		const char *text, *bytes;
	} vectors[] = {
		/* RFC 4648 section 10 */
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" },
		{ "Zm9vYmFy", "foobar" },
	};
	static const char *const wrong[] = { "Z", "Zg",
		"Zg=", "Zh==", "Zm9=", "Zm8", "Z===", "====", "Zm 8", "Zm8\n",
		"Zm8=Zm8=", "Zm-v", "Zm_v", "=m9v", "Zg=v", "Zm9v====" };
	static const char some[] = "AZaz09+/=\n -Bg";
	char text[96], fact[96], out[80];
	unsigned char bytes[61];
	size_t length, agreed = 0, taken = 0;
	int good = 1;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		snprintf(fact, sizeof(fact), "\"%s\"", vectors[i].text);
		ok(base64_decode(out, &length, vectors[i].text,
		       strlen(vectors[i].text)) &&
			length == strlen(vectors[i].bytes) &&
			memcmp(out, vectors[i].bytes, length) == 0,
		    fact);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		good = good &&
		    !base64_decode(out, &length, wrong[i], strlen(wrong[i]));
	ok(good, "other spellings are refused");

	good = 1;
	for (size_t n = 0; n < sizeof(bytes); n++)
		for (int b = 0; b < 256; b++) {
			memset(bytes, b, n);
			if (n > 0)
				bytes[n - 1] = (unsigned char)(b * 7 + 1);
			base64_encode_raw(text, n, bytes);
			good = good &&
			    base64_decode(out, &length, text,
				BASE64_ENCODE_RAW_LENGTH(n)) &&
			    length == n && memcmp(out, bytes, n) == 0;
		}
	ok(good, "what is encoded is decoded");

	srand(1);
	for (int i = 0; i < 200000; i++) {
		size_t n = (size_t)rand() % 13;

		for (size_t j = 0; j < n; j++)
			text[j] = some[(size_t)rand() % (sizeof(some) - 1)];
		good = base64_decode(out, &length, text, n);
		agreed += good == is_spelling(text, n);
		taken += (size_t)good;
	}
	printf("# %zu random texts are spellings\n", taken);
	ok(agreed == 200000 && taken > 1000,
	    "nettle agrees what is a spelling");
	printf("1..%d\n", tests);
	return failed != 0;
}
