/* SPDX-License-Identifier: ISC */
/* Who says so? Verification of a webhook, by data. */
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sysexits.h>

#include <bsd/stdlib.h>
#include <nettle/base16.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "base/mem.h"
#include "ci/auth.h"
#include "data/json.h"

/* A header with more items than this is refused. */
#define ITEMS 16

#define BLANKS " \t"

enum encoding { RAW, HEX, BASE64, WHSEC };

/* Something that is signed, or that holds the time. */
struct part {
	enum { BODY, HEADER, FIELD, LITERAL } kind;
	char *text;
};

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
	jv scheme; /* keeps the strings below */
	const char *where;
	bool hmac;
	char *header;
	const char *prefix;
	char list;
	const char *sep, *field;
	enum encoding encoding;
	const struct nettle_hash *hash;
	struct part *parts;
	size_t nparts;
	struct part time;
	int64_t tolerance;
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

static const struct {
	const char *name;
	bool token; /* known to tokens too */
} members[] = {
	{ "kind", true },
	{ "header", true },
	{ "prefix", true },
	{ "list", false },
	{ "sep", false },
	{ "field", false },
	{ "encoding", false },
	{ "hash", false },
	{ "key", false },
	{ "signed", false },
	{ "time", false },
	{ "tolerance", false },
};

static const struct nettle_hash *const hashes[] = { &nettle_sha1,
	&nettle_sha256, &nettle_sha512 };

static const struct {
	const char *name;
	enum encoding encoding;
} encodings[] = {
	{ "raw", RAW },
	{ "hex", HEX },
	{ "base64", BASE64 },
	{ "whsec_", WHSEC },
};

int
auth_equal(const void *a, const void *b, size_t length)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned int differ = 0;

	for (size_t i = 0; i < length; i++)
		differ |= (unsigned int)(x[i] ^ y[i]);
	return (int)(((differ - 1) >> 8) & 1);
}

/* Strictly the one spelling that each sequence of bytes has. */
static bool
decode(
    enum encoding encoding, struct slice in, unsigned char *out, size_t *length)
{
	struct base16_decode_ctx hex;
	struct base64_decode_ctx base64;
	size_t want;

	if (encoding == HEX) {
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
	if (in.length % 4 != 0)
		return false;
	want = in.length / 4 * 3;
	for (size_t i = in.length; i > 0 && in.text[i - 1] == '='; i--)
		want--;
	*length = BASE64_DECODE_LENGTH(in.length);
	base64_decode_init(&base64);
	/* It passes over blanks: then less comes out. */
	return base64_decode_update(&base64, length, out, in.length, in.text) &&
	    base64_decode_final(&base64) && *length == want;
}

/* A member that is a string, "" counting as wrong; NULL if there is none. */
static const char *
member(const struct auth *a, const char *name)
{
	jv value = json_get(&a->scheme, name);
	bool absent = !jv_is_valid(value);
	const char *text;

	if (absent)
		return NULL;
	jv_free(value);
	text = json_str(&a->scheme, name);
	if (text == NULL || *text == '\0')
		errx(EX_CONFIG, "%s: %s: not a string, or empty", a->where,
		    name);
	return text;
}

static const char *
need(const struct auth *a, const char *name)
{
	const char *text = member(a, name);

	if (text == NULL)
		errx(EX_CONFIG, "%s: %s: missing", a->where, name);
	return text;
}

static void
check_member(jv name, void *arg)
{
	const struct auth *a = arg;
	char *text = json_word(&name);

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (text != NULL && strcmp(text, members[i].name) == 0 &&
		    (a->hmac || members[i].token)) {
			free(text);
			jv_free(name);
			return;
		}
	errx(EX_CONFIG, "%s: %s: no such member for this kind", a->where,
	    text == NULL ? "?" : text);
}

static enum encoding
encoding(const struct auth *a, const char *name, const char *text)
{
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
		if (strcmp(text, encodings[i].name) == 0)
			return encodings[i].encoding;
	errx(EX_CONFIG, "%s: %s: not supported: %s", a->where, name, text);
}

static char *
lower(const char *text)
{
	char *copy = xstrdup(text);

	for (char *c = copy; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	return copy;
}

static struct part
part(const struct auth *a, const char *text)
{
	struct part p = { LITERAL, NULL };

	if (strcmp(text, "body") == 0)
		p.kind = BODY;
	else if (strncmp(text, "query:", 6) == 0)
		errx(EX_CONFIG, "%s: %s: not supported", a->where, text);
	else if (strncmp(text, "header:", 7) == 0) {
		p.kind = HEADER;
		p.text = lower(text + 7);
	} else {
		if (strncmp(text, "field:", 6) == 0) {
			p.kind = FIELD;
			text += 6;
			if (a->list == '\0')
				errx(EX_CONFIG, "%s: field:%s without list",
				    a->where, text);
		}
		p.text = xstrdup(text);
	}
	return p;
}

static void
add_part(jv value, void *arg)
{
	struct auth *a = arg;
	char *text;

	if (jv_get_kind(value) != JV_KIND_STRING ||
	    (text = json_word(&value)) == NULL)
		errx(EX_CONFIG, "%s: signed: not strings", a->where);
	a->parts = xreallocarray(a->parts, a->nparts + 1, sizeof(*a->parts));
	a->parts[a->nparts++] = part(a, text);
	free(text);
	jv_free(value);
}

static bool
is_signed(const struct auth *a, const struct part *p)
{
	for (size_t i = 0; i < a->nparts; i++)
		if (a->parts[i].kind == p->kind &&
		    (p->kind == BODY || strcmp(a->parts[i].text, p->text) == 0))
			return true;
	return false;
}

static void
read_time(struct auth *a)
{
	const char *time = member(a, "time"), *problem;
	jv value = json_get(&a->scheme, "tolerance");
	char *word;

	if (time == NULL) {
		if (jv_is_valid(value))
			errx(EX_CONFIG, "%s: tolerance without time", a->where);
		jv_free(value);
		return;
	}
	a->time = part(a, time);
	if (a->time.kind != HEADER && a->time.kind != FIELD)
		errx(EX_CONFIG,
		    "%s: time: neither header: nor field:", a->where);
	if (!is_signed(a, &a->time))
		errx(EX_CONFIG, "%s: time: not among the signed parts",
		    a->where);
	a->tolerance = 300;
	if (jv_is_valid(value)) {
		word = json_word(&value);
		a->tolerance =
		    strtonum(word == NULL ? "" : word, 0, INT32_MAX, &problem);
		if (problem != NULL)
			errx(EX_CONFIG, "%s: tolerance: not seconds", a->where);
		free(word);
	}
	jv_free(value);
}

static void
read_hmac(struct auth *a)
{
	const struct part body = { BODY, NULL };
	const char *list = member(a, "list"), *hash = need(a, "hash");
	jv parts;

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (strcmp(hash, hashes[i]->name) == 0)
			a->hash = hashes[i];
	if (a->hash == NULL)
		errx(EX_CONFIG, "%s: hash: not supported: %s", a->where, hash);
	a->encoding = encoding(a, "encoding", need(a, "encoding"));
	if (a->encoding != HEX && a->encoding != BASE64)
		errx(EX_CONFIG, "%s: encoding: neither hex nor base64",
		    a->where);
	if (list != NULL) {
		if (list[1] != '\0')
			errx(
			    EX_CONFIG, "%s: list: not one character", a->where);
		a->list = *list;
		a->sep = need(a, "sep");
		a->field = need(a, "field");
	} else if (member(a, "sep") != NULL || member(a, "field") != NULL)
		errx(EX_CONFIG, "%s: sep or field without list", a->where);

	parts = json_get(&a->scheme, "signed");
	if (jv_get_kind(parts) != JV_KIND_ARRAY)
		errx(EX_CONFIG, "%s: signed: not an array", a->where);
	json_each(&parts, add_part, a);
	jv_free(parts);
	if (!is_signed(a, &body))
		errx(EX_CONFIG, "%s: signed: the body is not", a->where);
	read_time(a);
}

static void
add_key(struct auth *a, struct slice secret, enum encoding kind)
{
	unsigned char *bytes;
	struct key *k;
	size_t length = secret.length;
	bool good = true;

	a->keys = xreallocarray(a->keys, a->nkeys + 1, sizeof(*a->keys));
	bytes = xmalloc(length + 3);
	k = &a->keys[a->nkeys++];
	memset(k, 0, sizeof(*k));
	if (kind == WHSEC) {
		good = length > 6 && strncmp(secret.text, "whsec_", 6) == 0;
		secret.text += 6;
		secret.length -= 6;
	}
	if (kind == RAW)
		memcpy(bytes, secret.text, length);
	else
		good = good &&
		    decode(
			kind == WHSEC ? BASE64 : kind, secret, bytes, &length);
	if (!good || length == 0)
		errx(EX_CONFIG, "%s: secret %zu is not spelt as \"key\" says",
		    a->where, a->nkeys);
	if (a->hmac) {
		hmac_set_key(
		    &k->outer, &k->inner, &k->state, a->hash, length, bytes);
		explicit_bzero(bytes, length);
		free(bytes);
	} else {
		k->token = bytes;
		k->length = length;
	}
}

struct auth *
auth_new(jv scheme, const char *where, const char *secrets)
{
	struct auth *a = xcalloc(1, sizeof(*a));
	const char *kind, *key, *line, *end;
	jv names;

	if (jv_get_kind(scheme) != JV_KIND_OBJECT)
		errx(EX_CONFIG, "%s: not an object", where);
	a->scheme = scheme;
	a->where = where;
	kind = need(a, "kind");
	a->hmac = strcmp(kind, "hmac") == 0;
	if (!a->hmac && strcmp(kind, "token") != 0)
		errx(EX_CONFIG, "%s: kind not supported: %s", where, kind);
	names = jv_keys(jv_copy(scheme));
	json_each(&names, check_member, a);
	jv_free(names);
	a->header = lower(need(a, "header"));
	a->prefix = member(a, "prefix");
	if (a->hmac)
		read_hmac(a);
	key = member(a, "key");

	for (line = secrets; *line != '\0'; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		/* One of blanks alone is an accident, not a secret. */
		if (strspn(line, BLANKS "\r") < (size_t)(end - line))
			add_key(a, (struct slice){ line, (size_t)(end - line) },
			    key == NULL ? RAW : encoding(a, "key", key));
	}
	if (a->nkeys == 0)
		errx(EX_CONFIG, "%s: the secret is empty", where);
	a->where = NULL; /* the caller's */
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
split(const struct auth *a, const char *text, struct item *items)
{
	size_t n = 0, sep;
	const char *at;

	if (a->list == '\0') {
		items[0].name = (struct slice){ "", 0 };
		items[0].value = (struct slice){ text, strlen(text) };
		return 1;
	}
	sep = strlen(a->sep);
	for (;;) {
		const char *end = strchrnul(text, a->list);
		struct slice s = strip(text, (size_t)(end - text));

		at = memmem(s.text, s.length, a->sep, sep);
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
value(
    const struct part *p, const jv *headers, const struct item *items, size_t n)
{
	const struct item *item;
	const char *text = p->text;

	if (p->kind == FIELD) {
		item = single(items, n, p->text);
		return item == NULL ? (struct slice){ NULL, 0 } : item->value;
	}
	if (p->kind == HEADER)
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
			good |= auth_equal(a->keys[i].token, text, length);
	return good ? NULL : "wrong token";
}

const char *
auth_verify(const struct auth *a, const jv *headers, const unsigned char *body,
    size_t length, int64_t at, int64_t tolerance)
{
	struct item items[ITEMS];
	unsigned char tags[ITEMS][BASE64_DECODE_LENGTH(
	    BASE16_ENCODE_LENGTH(SHA512_DIGEST_SIZE))];
	unsigned char tag[SHA512_DIGEST_SIZE];
	const char *text = header(headers, a->header);
	size_t n, ntags = 0, decoded;
	int64_t time = -1;
	int good = 0;

	if (text == NULL)
		return "no signature, or more than one";
	if (a->prefix != NULL) {
		if (strncmp(text, a->prefix, strlen(a->prefix)) != 0)
			return "signature of another kind";
		text += strlen(a->prefix);
	}
	if (!a->hmac)
		return verify_token(a, text);
	if ((n = split(a, text, items)) == 0)
		return "signature header not understood";

	for (size_t i = 0; i < a->nparts; i++) {
		if (a->parts[i].kind == FIELD &&
		    single(items, n, a->field) == NULL)
			return "signature missing or repeated";
		if (a->parts[i].kind != BODY &&
		    value(&a->parts[i], headers, items, n).text == NULL)
			return "a signed part is missing or repeated";
	}
	if (a->time.text != NULL &&
	    (time = seconds(value(&a->time, headers, items, n))) == -1)
		return "timestamp not understood";
	for (size_t i = 0; i < n; i++)
		if ((a->list == '\0' || named(&items[i], a->field)) &&
		    items[i].value.length <=
			BASE16_ENCODE_LENGTH(a->hash->digest_size) &&
		    decode(
			a->encoding, items[i].value, tags[ntags], &decoded) &&
		    decoded == a->hash->digest_size)
			ntags++;
	if (ntags == 0)
		return "signature not understood";

	for (size_t i = 0; i < a->nkeys; i++) {
		struct key k = a->keys[i];

		for (size_t j = 0; j < a->nparts; j++) {
			struct slice s;

			if (a->parts[j].kind == BODY) {
				hmac_update(&k.state, a->hash, length, body);
				continue;
			}
			s = value(&a->parts[j], headers, items, n);
			hmac_update(&k.state, a->hash, s.length,
			    (const unsigned char *)s.text);
		}
		hmac_digest(&k.outer, &k.inner, &k.state, a->hash,
		    a->hash->digest_size, tag);
		for (size_t j = 0; j < ntags; j++)
			good |= auth_equal(tag, tags[j], a->hash->digest_size);
	}
	if (!good)
		return "wrong signature";

	if (tolerance < 0)
		tolerance = a->tolerance;
	if (time != -1 && tolerance > 0 &&
	    (at > time ? at - time : time - at) > tolerance)
		return at > time ? "timestamp too old" :
				   "timestamp in the future";
	return NULL;
}
