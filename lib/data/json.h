/* SPDX-License-Identifier: ISC */
/* JSON, the only place that takes a jv or a JSON text apart. */
#ifndef DATA_JSON_H
#define DATA_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <jv.h>

/* Containers may nest this deep, no deeper. */
#define JSON_DEPTH 64

/* The most paths one json_check() looks for. */
#define JSON_WANTS 64

/* Part of a checked text; text is NULL where there is no such part. */
struct json_span {
	const char *text;
	size_t length;
};

/*
 * A value to look for: the names of the members that lead to it, ended by
 * NULL (so { NULL } is the whole).  Points into the text when found.
 */
struct json_want {
	const char *const *path;
	struct json_span value;
};

/*
 * Is the text one JSON value by RFC 8259, in UTF-8 without a byte order
 * mark, no deeper than JSON_DEPTH?  Returns -1 if it is, else the offset of
 * the first byte that is wrong (length, where more was expected).  Fills the
 * wants in the same pass, without allocating; of members with one name the
 * last wins.  libjq 1.6 accepts much that is not JSON, so whatever a
 * stranger sent comes through here first.
 */
ssize_t json_check(const char *, size_t, struct json_want *, size_t);

/* A checked text as a value, or invalid where libjq refuses it. */
jv json_parse(const char *, size_t);

/*
 * A member of an object.  The jv is lent.  json_str returns NULL unless the
 * member is a string without NUL; its storage lives until the object is next
 * changed.  json_get returns the member for the caller to free, invalid if
 * there is none.
 */
const char *json_str(const jv *, const char *);
jv json_get(const jv *, const char *);

/*
 * A scalar as text for the caller to free: a string without NUL as it is, an
 * integer below 2^53 in decimal, "true", "false"; NULL for all else.
 */
char *json_word(const jv *);

/* The same of a part of a checked text. */
char *json_span_word(const struct json_span *);

/*
 * The name of the member that was put into an object first, for the caller to
 * free; NULL if there is none, or if its name holds NUL.
 */
char *json_first(const jv *);

/*
 * A member that is an integer, or the text of one, from 0 to 2^53; else what
 * is given.
 */
int64_t json_int(const jv *, const char *, int64_t otherwise);

/* The object, given and taken back, with a member set or removed. */
jv json_set(jv, const char *, jv);
jv json_set_str(jv, const char *, const char *);
jv json_drop(jv, const char *);

/* The array, given and taken back, calls fn for each element in turn. */
void json_each(const jv *, void (*)(jv, void *), void *);

/* The first element of an array, which is given; invalid if it is empty. */
jv json_head(jv);

/* The text of a value, for the caller to free. */
char *json_text(jv);

/*
 * Write checked JSON text on one line that is safe on a terminal: a line end
 * between tokens becomes a blank; DEL, the C1 controls and the marks that
 * turn the direction of text become \u escapes, which mean the same.  Exits
 * with EX_OSERR when it cannot write.
 */
void json_print(FILE *, const char *, size_t);

#endif
