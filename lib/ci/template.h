/* SPDX-License-Identifier: ISC */
/* A template: a text with {names} in it, each of which stands for a value. */
#ifndef CI_TEMPLATE_H
#define CI_TEMPLATE_H

#include <jv.h>

/*
 * Returns a copy of template, for the caller to free, in which the member of
 * values that has the name stands for each {name}; nothing if that is no text.
 */
char *template_fill(const char *template, const jv *values);

/*
 * Takes text apart, the reverse of template_fill(), and sets the members that
 * values, which is given, lacks.  A value is not empty, and ends before the
 * next / ? # or control character.  Sets nothing if text differs from template
 * outside the names.  Returns values.
 */
jv template_match(const char *template, const char *text, jv values);

#endif
