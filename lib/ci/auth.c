/* SPDX-License-Identifier: ISC */
/* Who says so? Verification of a webhook, by data. */
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sysexits.h>

#include <bsd/stdlib.h>
#include <nettle/base16.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "base/mem.h"
#include "ci/auth.h"
#include "ci/scheme.h"
#include "data/base64.h"
#include "data/json.h"

/* A header with more items than this is refused. */
#define ITEMS 16

#define BLANKS " \t"

/* What a value as long as the longest tag in hex may decode to. */
#define TAG_ROOM BASE64_DECODED(BASE16_ENCODE_LENGTH(SHA512_DIGEST_SIZE))

union state {
	struct sha1_ctx sha1;
	struct sha256_ctx sha256;
	struct sha512_ctx sha512;
};

/* A live secret: HMAC begun with it, or the token. */
struct key {
	union state outer, inner, state;
	unsigned char *token;
	size_t length;
};

struct auth {
	struct scheme *scheme;
	struct key *keys;
	size_t nkeys;
};

struct slice {
	const char *text;
	size_t length;
};

/* One name-sep-value of a header; the whole header where it is no list. */
struct item {
	struct slice name, value;
};

/* Strictly the one spelling that each sequence of bytes has. */
static bool
decode(enum scheme_encoding encoding, struct slice in, unsigned char *out,
    size_t *length)
{
	struct base16_decode_ctx hex;

	if (encoding == SCHEME_HEX) {
		for (size_t i = 0; i < in.length; i++)
			if (in.text[i] == '\0' ||
			    strchr("0123456789abcdef", in.text[i]) == NULL)
				return false;
		*length = BASE16_DECODE_LENGTH(in.length);
		base16_decode_init(&hex);
		return base16_decode_update(
			   &hex, length, out, in.length, in.text) &&
		    base16_decode_final(&hex);
	}
	return base64_decode(out, length, in.text, in.length, 0);
}

static void
add_key(struct auth *a, struct slice secret, const char *where)
{
	enum scheme_encoding kind = a->scheme->key;
	unsigned char *bytes;
	struct key *k;
	size_t length = secret.length;
	bool good = true;

	a->keys = xreallocarray(a->keys, a->nkeys + 1, sizeof(*a->keys));
	bytes = xmalloc(length + 3);
	k = &a->keys[a->nkeys++];
	memset(k, 0, sizeof(*k));
	if (kind == SCHEME_WHSEC) {
		good = length > 6 && strncmp(secret.text, "whsec_", 6) == 0;
		secret.text += 6;
		secret.length -= 6;
	}
	if (kind == SCHEME_RAW)
		memcpy(bytes, secret.text, length);
	else
		good = good &&
		    decode(kind == SCHEME_WHSEC ? SCHEME_BASE64 : kind, secret,
			bytes, &length);
	if (!good || length == 0)
		errx(EX_CONFIG, "%s: secret %zu is not spelt as \"key\" says",
		    where, a->nkeys);
	if (a->scheme->hmac) {
		hmac_set_key(&k->outer, &k->inner, &k->state, a->scheme->hash,
		    length, bytes);
		explicit_bzero(bytes, length);
		free(bytes);
	} else {
		k->token = bytes;
		k->length = length;
	}
}

struct auth *
auth_new(jv scheme, const char *where, const struct secret_list *secrets)
{
	struct auth *a = xcalloc(1, sizeof(*a));

	a->scheme = scheme_new(scheme, where);
	for (size_t i = 0; i < secrets->count; i++)
		add_key(a,
		    (struct slice){
			secrets->line[i], strlen(secrets->line[i]) },
		    where);
	return a;
}

/* A header that is there once and not empty, else NULL. */
static const char *
header(const jv *headers, const char *name)
{
	const char *text = json_str(headers, name);

	return text == NULL || *text == '\0' ? NULL : text;
}

static struct slice
strip(const char *text, size_t length)
{
	while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
		length--;
	while (length > 0 && strchr(BLANKS, *text) != NULL) {
		text++;
		length--;
	}
	return (struct slice){ text, length };
}

/* The items of a header, 0 if it is not made as the scheme says. */
static size_t
split(const struct scheme *scheme, const char *text, struct item *items)
{
	size_t n = 0, sep;
	const char *at;

	if (scheme->list == '\0') {
		items[0].name = (struct slice){ "", 0 };
		items[0].value = (struct slice){ text, strlen(text) };
		return 1;
	}
	sep = strlen(scheme->sep);
	for (;;) {
		const char *end = strchrnul(text, scheme->list);
		struct slice s = strip(text, (size_t)(end - text));

		at = memmem(s.text, s.length, scheme->sep, sep);
		if (n == ITEMS || at == NULL)
			return 0;
		items[n].name = (struct slice){ s.text, (size_t)(at - s.text) };
		items[n].value.text = at + sep;
		items[n].value.length = s.length - items[n].name.length - sep;
		n++;
		if (*end == '\0')
			return n;
		text = end + 1;
	}
}

static bool
named(const struct item *item, const char *name)
{
	return item->name.length == strlen(name) &&
	    memcmp(item->name.text, name, item->name.length) == 0;
}

/* The item of a name; NULL if there is none, or more than one. */
static const struct item *
single(const struct item *items, size_t n, const char *name)
{
	const struct item *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (named(&items[i], name)) {
			if (found != NULL)
				return NULL;
			found = &items[i];
		}
	return found;
}

/* Unix seconds as they are signed; -1 if it is not a number so written. */
static int64_t
seconds(struct slice s)
{
	int64_t value = 0;

	if (s.length == 0 || s.length > 11 || s.text[0] == '0')
		return -1;
	for (size_t i = 0; i < s.length; i++) {
		if (s.text[i] < '0' || s.text[i] > '9')
			return -1;
		value = value * 10 + (s.text[i] - '0');
	}
	return value;
}

/* What a part stands for in this request; text is NULL if it has none. */
static struct slice
value(const struct scheme_part *p, const jv *headers, const struct item *items,
    size_t n)
{
	const struct item *item;
	const char *text = p->text;

	if (p->kind == SCHEME_FIELD) {
		item = single(items, n, p->text);
		return item == NULL ? (struct slice){ NULL, 0 } : item->value;
	}
	if (p->kind == SCHEME_HEADER)
		text = header(headers, p->text);
	return (struct slice){ text, text == NULL ? 0 : strlen(text) };
}

static const char *
verify_token(const struct auth *a, const char *text)
{
	size_t length = strlen(text);
	int good = 0;

	for (size_t i = 0; i < a->nkeys; i++)
		if (a->keys[i].length == length)
			good |= memeql_sec(a->keys[i].token, text, length);
	return good ? NULL : "wrong token";
}

/* A signed request, taken apart. */
struct request {
	const jv *headers;
	struct slice body;
	struct item items[ITEMS]; /* of the signature's header */
	size_t n;
	unsigned char tags[ITEMS][TAG_ROOM]; /* any of which may be right */
	size_t ntags;
	int64_t time; /* -1 if the scheme has none */
};

/* Is all there that is signed, once? NULL, or why not. */
static const char *
parts_of(const struct scheme *scheme, struct request *r)
{
	for (size_t i = 0; i < scheme->nparts; i++) {
		const struct scheme_part *p = &scheme->parts[i];

		if (p->kind == SCHEME_FIELD &&
		    single(r->items, r->n, scheme->field) == NULL)
			return "signature missing or repeated";
		if (p->kind != SCHEME_BODY &&
		    value(p, r->headers, r->items, r->n).text == NULL)
			return "a signed part is missing or repeated";
	}
	r->time = -1;
	if (scheme->time.text != NULL &&
	    (r->time = seconds(
		 value(&scheme->time, r->headers, r->items, r->n))) == -1)
		return "timestamp not understood";
	return NULL;
}

/* The tags that the header holds. */
static const char *
tags_of(const struct scheme *scheme, struct request *r)
{
	size_t size = scheme->hash->digest_size, decoded;

	r->ntags = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct item *item = &r->items[i];

		if ((scheme->list == '\0' || named(item, scheme->field)) &&
		    item->value.length <= BASE16_ENCODE_LENGTH(size) &&
		    decode(scheme->encoding, item->value, r->tags[r->ntags],
			&decoded) &&
		    decoded == size)
			r->ntags++;
	}
	return r->ntags == 0 ? "signature not understood" : NULL;
}

/* The tag that the request should have by a key. */
static void
tag_of(const struct scheme *scheme, const struct key *key,
    const struct request *r, unsigned char *tag)
{
	struct key k = *key;

	for (size_t i = 0; i < scheme->nparts; i++) {
		const struct scheme_part *p = &scheme->parts[i];
		struct slice s = p->kind == SCHEME_BODY ?
		    r->body :
		    value(p, r->headers, r->items, r->n);

		hmac_update(&k.state, scheme->hash, s.length,
		    (const unsigned char *)s.text);
	}
	hmac_digest(&k.outer, &k.inner, &k.state, scheme->hash,
	    scheme->hash->digest_size, tag);
}

static const char *
fresh(int64_t time, int64_t at, int64_t tolerance)
{
	if (time == -1 || tolerance == 0 ||
	    (at > time ? at - time : time - at) <= tolerance)
		return NULL;
	return at > time ? "timestamp too old" : "timestamp in the future";
}

static const char *
verify_hmac(const struct auth *a, struct request *r)
{
	const struct scheme *scheme = a->scheme;
	unsigned char tag[SHA512_DIGEST_SIZE];
	const char *why;
	int good = 0;

	if ((why = parts_of(scheme, r)) != NULL ||
	    (why = tags_of(scheme, r)) != NULL)
		return why;
	for (size_t i = 0; i < a->nkeys; i++) {
		tag_of(scheme, &a->keys[i], r, tag);
		for (size_t j = 0; j < r->ntags; j++)
			good |= memeql_sec(
			    tag, r->tags[j], scheme->hash->digest_size);
	}
	return good ? NULL : "wrong signature";
}

const char *
auth_verify(const struct auth *a, const jv *headers, const unsigned char *body,
    size_t length, int64_t at, int64_t tolerance)
{
	const struct scheme *scheme = a->scheme;
	const char *text = header(headers, scheme->header), *why;
	struct request r;

	if (text == NULL)
		return "no signature, or more than one";
	if (scheme->prefix != NULL) {
		if (strncmp(text, scheme->prefix, strlen(scheme->prefix)) != 0)
			return "signature of another kind";
		text += strlen(scheme->prefix);
	}
	if (!scheme->hmac)
		return verify_token(a, text);

	r.headers = headers;
	r.body = (struct slice){ (const char *)body, length };
	if ((r.n = split(scheme, text, r.items)) == 0)
		return "signature header not understood";
	if ((why = verify_hmac(a, &r)) != NULL)
		return why;
	return fresh(r.time, at, tolerance < 0 ? scheme->tolerance : tolerance);
}
