/* SPDX-License-Identifier: ISC */
/* The sealed reference, by which a build proves that we asked for it. */
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <nettle/hmac.h>
#include <nettle/memops.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/setting.h"
#include "ci/seal.h"
#include "data/base64.h"
#include "data/json.h"
#include "store/ref.h"

#define PREFIX "tack1."
#define TAG 16

/* The bytes of a part of the seal, for the caller to free, or NULL. */
static unsigned char *
decode(const char *text, size_t length, size_t *n)
{
	unsigned char *out = xmalloc(BASE64_DECODED(length) + 1);

	if (base64_decode(out, n, text, length, BASE64_URL | BASE64_BARE))
		return out;
	free(out);
	return NULL;
}

/* The string with its NUL is what the bytes go on with; step over it. */
static bool
eat(const unsigned char **at, const unsigned char *end, const char *text)
{
	size_t length = strlen(text) + 1;

	if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0)
		return false;
	*at += length;
	return true;
}

/* The decimal number that ends at a NUL or at end; step over it. */
static int64_t
number(const unsigned char **at, const unsigned char *end)
{
	const unsigned char *first = *at;
	int64_t value = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
		if (*at - first == 15)
			return -1;
		value = value * 10 + (**at - '0');
	}
	if (*at == first || (*at < end && *(*at)++ != '\0'))
		return -1;
	return value;
}

static void
make_tag(unsigned char tag[TAG], const char *key, const char *provider,
    const char *origin, const unsigned char *first, size_t length)
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, strlen(key), (const uint8_t *)key);
	hmac_sha256_update(
	    &ctx, strlen(provider) + 1, (const uint8_t *)provider);
	hmac_sha256_update(&ctx, strlen(origin) + 1, (const uint8_t *)origin);
	hmac_sha256_update(&ctx, length, first);
	hmac_sha256_digest(&ctx, TAG, tag);
}

int64_t
seal_opens(const char *text, const char *key, const char *provider,
    const char *origin, const jv *ref, int64_t *time)
{
	unsigned char want[TAG], *first = NULL, *tag = NULL;
	const unsigned char *at, *end;
	int64_t attempt = 0;
	size_t length, n;
	const char *dot;

	*time = 0;
	if (*key == '\0' || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	text += strlen(PREFIX);
	if ((dot = strchr(text, '.')) == NULL)
		return 0;
	first = decode(text, (size_t)(dot - text), &length);
	tag = decode(dot + 1, strlen(dot + 1), &n);
	if (first != NULL && tag != NULL && n == TAG) {
		make_tag(want, key, provider, origin, first, length);
		at = first;
		end = first + length;
		if (memeql_sec(want, tag, TAG) &&
		    eat(&at, end, json_str(ref, "knot")) &&
		    eat(&at, end, json_str(ref, "pipeline_rkey")) &&
		    eat(&at, end, json_str(ref, "workflow")))
			attempt = number(&at, end);
		if (attempt > 0 && at < end)
			*time = number(&at, end);
		if (attempt < 0 || *time < 0 || at != end)
			attempt = *time = 0;
	}
	free(first);
	free(tag);
	return attempt;
}

static char *
encode(const unsigned char *bytes, size_t length)
{
	char *text = xmalloc(BASE64_ENCODED(length) + 1);

	text[base64_encode(text, bytes, length, BASE64_URL | BASE64_BARE)] =
	    '\0';
	return text;
}

char *
seal_make(const char *key, const char *provider, const char *origin,
    const jv *ref, int64_t time)
{
	unsigned char tag[TAG];
	char *first, *head, *tail, *seal;
	size_t length;
	FILE *out = mem_open(&first, &length);

	fprintf(out, "%s%c%s%c%s%c%" PRId64 "%c%" PRId64, json_str(ref, "knot"),
	    0, json_str(ref, "pipeline_rkey"), 0, json_str(ref, "workflow"), 0,
	    ref_attempt(ref), 0, time);
	mem_close(out, &first);
	make_tag(tag, key, provider, origin, (unsigned char *)first, length);
	head = encode((unsigned char *)first, length);
	tail = encode(tag, TAG);
	seal = xasprintf(PREFIX "%s.%s", head, tail);
	free(first);
	free(head);
	free(tail);
	return seal;
}

char *
seal_required(void)
{
	char *key;

	if (!setting_on("TACK_REQUIRE_SEALED_REF"))
		return NULL;
	if ((key = secret_one("SEAL_KEY")) == NULL)
		errx(EX_CONFIG,
		    "TACK_REQUIRE_SEALED_REF is 1, so TACK_SEAL_KEY_FILE"
		    " must name the key");
	return key;
}

int64_t
seal_attempt(const char *key, const char *provider, const struct provider *p,
    const jv *read, int64_t *time)
{
	jv build = json_get(read, "build"), ref = json_get(read, "ref");
	const char *seal = json_str(read, "seal");
	int64_t attempt = 0;
	char *origin;

	*time = 0;
	if (seal != NULL && jv_is_valid(build) && jv_is_valid(ref)) {
		origin = provider_origin(p, &build);
		attempt = seal_opens(seal, key, provider, origin, &ref, time);
		free(origin);
	}
	jv_free(build);
	jv_free(ref);
	return attempt;
}
