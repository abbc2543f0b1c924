/* SPDX-License-Identifier: ISC */
/* JSON as values: the only place that takes a jv apart. */
#ifndef DATA_JSON_H
#define DATA_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "data/check.h"

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
char *json_span_word(const struct check_span *);

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

#endif
