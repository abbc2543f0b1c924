/* SPDX-License-Identifier: ISC */
/* A scheme of verification, as provider.json has it. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <bsd/stdlib.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "base/mem.h"
#include "ci/scheme.h"
#include "data/json.h"

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
	enum scheme_encoding encoding;
} encodings[] = {
	{ "raw", SCHEME_RAW },
	{ "hex", SCHEME_HEX },
	{ "base64", SCHEME_BASE64 },
	{ "whsec_", SCHEME_WHSEC },
};

/* A member that is a string, "" counting as wrong; NULL if there is none. */
static const char *
member(const struct scheme *s, const char *name)
{
	jv value = json_get(&s->source, name);
	bool absent = !jv_is_valid(value);
	const char *text;

	if (absent)
		return NULL;
	jv_free(value);
	text = json_str(&s->source, name);
	if (text == NULL || *text == '\0')
		errx(EX_CONFIG, "%s: %s: not a string, or empty", s->where,
		    name);
	return text;
}

static const char *
need(const struct scheme *s, const char *name)
{
	const char *text = member(s, name);

	if (text == NULL)
		errx(EX_CONFIG, "%s: %s: missing", s->where, name);
	return text;
}

static void
check_member(jv name, void *arg)
{
	const struct scheme *s = arg;
	char *text = json_word(&name);

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (text != NULL && strcmp(text, members[i].name) == 0 &&
		    (s->hmac || members[i].token)) {
			free(text);
			jv_free(name);
			return;
		}
	errx(EX_CONFIG, "%s: %s: no such member for this kind", s->where,
	    text == NULL ? "?" : text);
}

static enum scheme_encoding
encoding(const struct scheme *s, const char *name, const char *text)
{
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
		if (strcmp(text, encodings[i].name) == 0)
			return encodings[i].encoding;
	errx(EX_CONFIG, "%s: %s: not supported: %s", s->where, name, text);
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

static struct scheme_part
part(const struct scheme *s, const char *text)
{
	struct scheme_part p = { SCHEME_LITERAL, NULL };

	if (strcmp(text, "body") == 0)
		p.kind = SCHEME_BODY;
	else if (strncmp(text, "query:", 6) == 0)
		errx(EX_CONFIG, "%s: %s: not supported", s->where, text);
	else if (strncmp(text, "header:", 7) == 0) {
		p.kind = SCHEME_HEADER;
		p.text = lower(text + 7);
	} else {
		if (strncmp(text, "field:", 6) == 0) {
			p.kind = SCHEME_FIELD;
			text += 6;
			if (s->list == '\0')
				errx(EX_CONFIG, "%s: field:%s without list",
				    s->where, text);
		}
		p.text = xstrdup(text);
	}
	return p;
}

static void
add_part(jv value, void *arg)
{
	struct scheme *s = arg;
	char *text;

	if (jv_get_kind(value) != JV_KIND_STRING ||
	    (text = json_word(&value)) == NULL)
		errx(EX_CONFIG, "%s: signed: not strings", s->where);
	s->parts = xreallocarray(s->parts, s->nparts + 1, sizeof(*s->parts));
	s->parts[s->nparts++] = part(s, text);
	free(text);
	jv_free(value);
}

/* Is the part among those that are signed? */
static bool
signs(const struct scheme *s, const struct scheme_part *p)
{
	for (size_t i = 0; i < s->nparts; i++)
		if (s->parts[i].kind == p->kind &&
		    (p->kind == SCHEME_BODY ||
			strcmp(s->parts[i].text, p->text) == 0))
			return true;
	return false;
}

static void
read_time(struct scheme *s)
{
	const char *time = member(s, "time"), *problem;
	jv value = json_get(&s->source, "tolerance");
	char *word;

	if (time == NULL) {
		if (jv_is_valid(value))
			errx(EX_CONFIG, "%s: tolerance without time", s->where);
		jv_free(value);
		return;
	}
	s->time = part(s, time);
	if (s->time.kind != SCHEME_HEADER && s->time.kind != SCHEME_FIELD)
		errx(EX_CONFIG,
		    "%s: time: neither header: nor field:", s->where);
	if (!signs(s, &s->time))
		errx(EX_CONFIG, "%s: time: not among the signed parts",
		    s->where);
	s->tolerance = 300;
	if (jv_is_valid(value)) {
		word = json_word(&value);
		s->tolerance =
		    strtonum(word == NULL ? "" : word, 0, INT32_MAX, &problem);
		if (problem != NULL)
			errx(EX_CONFIG, "%s: tolerance: not seconds", s->where);
		free(word);
	}
	jv_free(value);
}

static void
read_hmac(struct scheme *s)
{
	const struct scheme_part body = { SCHEME_BODY, NULL };
	const char *list = member(s, "list"), *hash = need(s, "hash");
	jv parts;

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (strcmp(hash, hashes[i]->name) == 0)
			s->hash = hashes[i];
	if (s->hash == NULL)
		errx(EX_CONFIG, "%s: hash: not supported: %s", s->where, hash);
	s->encoding = encoding(s, "encoding", need(s, "encoding"));
	if (s->encoding != SCHEME_HEX && s->encoding != SCHEME_BASE64)
		errx(EX_CONFIG, "%s: encoding: neither hex nor base64",
		    s->where);
	if (list != NULL) {
		if (list[1] != '\0')
			errx(
			    EX_CONFIG, "%s: list: not one character", s->where);
		s->list = *list;
		s->sep = need(s, "sep");
		s->field = need(s, "field");
	} else if (member(s, "sep") != NULL || member(s, "field") != NULL)
		errx(EX_CONFIG, "%s: sep or field without list", s->where);

	parts = json_get(&s->source, "signed");
	if (jv_get_kind(parts) != JV_KIND_ARRAY)
		errx(EX_CONFIG, "%s: signed: not an array", s->where);
	json_each(&parts, add_part, s);
	jv_free(parts);
	if (!signs(s, &body))
		errx(EX_CONFIG, "%s: signed: the body is not", s->where);
	read_time(s);
}

struct scheme *
scheme_new(jv source, const char *where)
{
	struct scheme *s = xcalloc(1, sizeof(*s));
	const char *kind, *key;
	jv names;

	if (jv_get_kind(source) != JV_KIND_OBJECT)
		errx(EX_CONFIG, "%s: not an object", where);
	s->source = source;
	s->where = where;
	kind = need(s, "kind");
	s->hmac = strcmp(kind, "hmac") == 0;
	if (!s->hmac && strcmp(kind, "token") != 0)
		errx(EX_CONFIG, "%s: kind not supported: %s", where, kind);
	names = jv_keys(jv_copy(source));
	json_each(&names, check_member, s);
	jv_free(names);
	s->header = lower(need(s, "header"));
	s->prefix = member(s, "prefix");
	if (s->hmac)
		read_hmac(s);
	key = member(s, "key");
	if (key != NULL)
		s->key = encoding(s, "key", key);
	s->where = NULL; /* the caller's */
	return s;
}
