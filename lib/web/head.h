/* SPDX-License-Identifier: ISC */
/* The head of one HTTP/1.1 request, taken strictly: refuse, do not repair. */
#ifndef WEB_HEAD_H
#define WEB_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_SIZE 16384 /* bytes, with the final empty line */
#define HEAD_FIELDS 64
#define HEAD_SEGMENT 512

/*
 * A request's head (RFC 9112). All point into the buffer that was parsed,
 * which head_parse cut with NULs and whose field names it made lower case.
 */
struct head {
	const char *method;
	int minor; /* of the version, HTTP/1.0 or 1.1 */
	const char *path; /* begins with '/', still percent-encoded */
	const char *query; /* after '?', "" if none */
	const char *name[HEAD_FIELDS];
	const char *value[HEAD_FIELDS]; /* without blanks around it */
	size_t fields;
	int64_t length; /* Content-Length, -1 if none */
};

/* The length of the head that the bytes begin with, 0 if it is not whole. */
size_t head_length(const char *, size_t);

/*
 * Parse a whole head.  Returns 0 or the status to refuse with: 400 for
 * whatever two parsers might read differently (bare CR or LF, NUL, folded
 * lines, a blank before a colon, more than one or no Host, two or odd
 * Content-Lengths, absolute targets), 411 for any Transfer-Encoding, 417 for an
 * unknown Expect, 431 for too many fields, 505 for a version other than 1.0
 * and 1.1.
 */
int head_parse(struct head *, char *, size_t);

/* Has a field, a list with commas, the word? In no matter which case. */
bool head_has_word(
    const struct head *, const char *lower_case_name, const char *word);

/* The value of a field, NULL if it is absent or there more than once. */
const char *head_field(const struct head *, const char *lower_case_name);

/*
 * The path's segment that begins after the '/' at *path, percent-decoded, for
 * the caller to free; *path is moved to its end.  NULL where there is none, or
 * it is empty, longer than HEAD_SEGMENT, wrongly encoded or has control
 * characters.
 */
char *head_segment(const char **path);

#endif
