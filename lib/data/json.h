/* SPDX-License-Identifier: ISC */
/* JSON as values: the only place that takes a jv apart. */
#ifndef DATA_JSON_H
#define DATA_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "data/check.h"

/*
 * Throughout, a jv that is passed by value is given away, and one that is
 * passed by pointer is lent.  A value that is no object has no members.
 */

/* Parse a text that check_json() took; invalid where libjq refuses it. */
jv json_parse(const char *text, size_t length);

/* Return a copy of a member, for the caller to free; invalid if absent. */
jv json_get(const jv *object, const char *name);

/*
 * Return a member that is a string without NUL, else NULL.  The text lives
 * until the object is next changed.
 */
const char *json_str(const jv *object, const char *name);

/* As json_str(), but the text is the caller's to free. */
char *json_str_copy(const jv *object, const char *name);

/*
 * Return a member that is an integer from 0 to 2^53, or a string that spells
 * one; else otherwise.
 */
int64_t json_int(const jv *object, const char *name, int64_t otherwise);

/* Return a member that is a number, else otherwise. */
double json_number(const jv *object, const char *name, double otherwise);

/* Is a member true?  Any other value, "true" in quotes too, is not. */
bool json_true(const jv *object, const char *name);

/*
 * Return a scalar as text for the caller to free: a string without NUL as it
 * is, an integer below 2^53 in decimal, "true" or "false"; NULL for any other
 * value.
 */
char *json_word(const jv *value);

/* Return what json_word() does, for a span of a checked text. */
char *json_span_word(const struct check_span *span);

/*
 * Return the name of the member that was put into an object first, for the
 * caller to free; NULL if there is none, or if the name holds NUL.
 */
char *json_first(const jv *object);

/* Set a member, or remove it if the value is invalid. */
jv json_set(jv object, const char *name, jv value);

/* Set a member to a string. */
jv json_set_str(jv object, const char *name, const char *text);

/* Remove a member. */
jv json_drop(jv object, const char *name);

/*
 * Call fn with each element of an array, in order, and with arg.  The element
 * is fn's to free.
 */
void json_each(const jv *array, void (*fn)(jv element, void *arg), void *arg);

/* Return a copy of the element at index, from 0; invalid if there is none. */
jv json_at(const jv *array, size_t index);

/* Return the first element of an array; invalid if it is empty. */
jv json_head(jv array);

#endif
