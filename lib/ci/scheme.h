/* SPDX-License-Identifier: ISC */
/* A scheme of verification, as provider.json has it. */
#ifndef CI_SCHEME_H
#define CI_SCHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jv.h>
#include <nettle/nettle-meta.h>

enum scheme_encoding { SCHEME_RAW, SCHEME_HEX, SCHEME_BASE64, SCHEME_WHSEC };

/* Something that is signed, or that holds the time. */
struct scheme_part {
	enum { SCHEME_BODY, SCHEME_HEADER, SCHEME_FIELD, SCHEME_LITERAL } kind;
	char *text;
};

/* The members of a scheme, by their names in tack-provider(5). */
struct scheme {
	jv source; /* keeps the texts that are const */
	const char *where; /* for messages, while the scheme is read */
	bool hmac; /* the header has a signature; if false, a token */
	char *header;
	const char *prefix; /* NULL if there is none */
	char list; /* NUL if the header is no list */
	const char *sep, *field;
	enum scheme_encoding encoding; /* of the signature */
	enum scheme_encoding key; /* of the secrets */
	const struct nettle_hash *hash;
	struct scheme_part *parts; /* that are signed, in order */
	size_t nparts;
	struct scheme_part time; /* its text is NULL if there is none */
	int64_t tolerance; /* seconds */
};

/*
 * Reads a scheme.  Exits with EX_CONFIG, naming where, if it is wrong.  It is
 * not freed: it lasts as long as the tool.
 */
struct scheme *scheme_new(jv source, const char *where);

#endif
