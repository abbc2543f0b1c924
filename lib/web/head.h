/* SPDX-License-Identifier: ISC */
/*
 * The head of one HTTP/1.1 request, taken strictly: refuse, do not repair.
 *
 * This is a parser of our own, because existing ones repair: libmicrohttpd
 * 0.9.75 takes lines that a bare LF ends, two Content-Lengths, and a
 * Content-Length beside a Transfer-Encoding, even when told to be strict.  Each
 * is a request that a proxy in front reads differently.
 */
#ifndef WEB_HEAD_H
#define WEB_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_SIZE 16384 /* bytes, with the final empty line */
#define HEAD_FIELDS 64
#define HEAD_SEGMENT 512

/*
 * A request's head (RFC 9112).  All texts point into the buffer that was
 * parsed.
 */
struct head {
	const char *method;
	int minor; /* of the version, HTTP/1.0 or 1.1 */
	/*
	 * Begins with '/', and is still percent-encoded; "//" has become "/",
	 * and a '/' at the end is removed.
	 */
	const char *path;
	const char *query; /* after '?', "" if none */
	const char *name[HEAD_FIELDS]; /* in lower case */
	const char *value[HEAD_FIELDS]; /* without blanks around it */
	size_t fields;
	int64_t length; /* Content-Length, -1 if none */
};

/*
 * Return the length of the head with which text, of length bytes, begins; 0 if
 * the head is not whole.
 */
size_t head_length(const char *text, size_t length);

/*
 * Parse text, a whole head of length bytes, into head, and put NULs into text.
 * Returns 0 or the status to refuse the request with: 400 for whatever two
 * parsers might read differently (bare CR or LF, NUL, folded lines, a blank
 * before a colon, more than one Host, two or odd Content-Lengths, absolute
 * targets) and for HTTP/1.1 without a Host, 411 for any Transfer-Encoding, 417
 * for an unknown Expect, 431 for too many fields, 505 for a version other
 * than 1.0 and 1.1.
 */
int head_parse(struct head *head, char *text, size_t length);

/*
 * Is word among the comma-separated values of the fields called name? The case
 * of word does not matter, name is in lower case.
 */
bool head_has_word(const struct head *head, const char *name, const char *word);

/*
 * Return the value of the field called name, which is in lower case; NULL if
 * there is no such field, or more than one.
 */
const char *head_field(const struct head *head, const char *name);

/*
 * Return the segment of a path that begins after the '/' at *path,
 * percent-decoded, for the caller to free, and set *path to the end of the
 * segment.  Returns NULL if there is no segment, or if the segment is empty,
 * longer than HEAD_SEGMENT or wrongly encoded, or has control characters.
 */
char *head_segment(const char **path);

#endif
