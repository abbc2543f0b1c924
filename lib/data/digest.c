/* SPDX-License-Identifier: ISC */
/* SHA-256 as a name. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <nettle/sha2.h>

#include "data/digest.h"

void
digest_name(char *name, size_t digits, const char *const *texts, size_t count)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	for (size_t i = 0; i < count; i++)
		sha256_update(&ctx, strlen(texts[i]) + (i + 1 < count),
		    (const uint8_t *)texts[i]);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < digits / 2; i++)
		snprintf(name + 2 * i, 3, "%02x", digest[i]);
}
