/* SPDX-License-Identifier: ISC */
/* A template: a text with {names} in it, each of which stands for a value. */
#ifndef CI_TEMPLATE_H
#define CI_TEMPLATE_H

#include <jv.h>

/*
 * Fills in for each {name} that member of values, and nothing if it is no text.
 * The result is for the caller to free.
 */
char *template_fill(const char *template, const jv *values);

/*
 * Takes text apart, the reverse of template_fill(), and sets in values, which
 * is given, the members that it lacks.  What a name stands for is not empty and
 * ends before the next of / ? # or a control character.  Sets nothing if text
 * is not the template in all else.  Returns values.
 */
jv template_match(const char *template, const char *text, jv values);

#endif
