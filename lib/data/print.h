/* SPDX-License-Identifier: ISC */
/* JSON, written: the only place that knows its brackets, commas and quotes. */
#ifndef DATA_PRINT_H
#define DATA_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jv.h>

#include "base/bytes.h"

/*
 * The functions that take a struct bytes add to its end.  They add a comma
 * first where one is due, which is not after an opening bracket, the name of a
 * member or the line end of another text.
 */

/* Open an object or an array: bracket is { or [. */
void print_open(struct bytes *out, char bracket);

/* Close the innermost object or array: bracket is } or ]. */
void print_close(struct bytes *out, char bracket);

/* Add the name of a member, whose value is to follow. */
void print_name(struct bytes *out, const char *name);

/* Add a string; bytes that are not UTF-8 become U+FFFD. */
void print_string(struct bytes *out, const char *text);

/* Add an integer. */
void print_int(struct bytes *out, int64_t n);

/* Add a member that is a string. */
void print_member(struct bytes *out, const char *name, const char *text);

/*
 * Add text, which check_json() took, on one line that is safe on a terminal:
 * a line end between tokens becomes a blank; DEL, the C1 controls and the
 * marks that turn the direction of text become \u escapes, which mean the
 * same.
 */
void print_safe(struct bytes *out, const char *text, size_t length);

/*
 * Return a copy, for the caller to free, of a text in UTF-8 in which each
 * character that steers a terminal or turns the direction of text is U+FFFD,
 * and a tab a blank.  Line feeds stay if lines is set, else they are blanks.
 */
char *print_plain(const char *text, bool lines);

/* Return the text of a value, for the caller to free. */
char *print_text(jv v);

/*
 * Write the text of a value, made safe as by print_safe(), and a line end.
 * Exits with EX_IOERR when out cannot be written.
 */
void print_line(FILE *out, jv v);

#endif
