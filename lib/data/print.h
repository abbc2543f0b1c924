/* SPDX-License-Identifier: ISC */
/* JSON, written. */
#ifndef DATA_PRINT_H
#define DATA_PRINT_H

#include <stddef.h>
#include <stdio.h>

#include <jv.h>

/* Return the text of a value, for the caller to free. */
char *print_text(jv v);

/*
 * Write text, which check_json() took, on one line that is safe on a terminal:
 * a line end between tokens becomes a blank; DEL, the C1 controls and the
 * marks that turn the direction of text become \u escapes, which mean the
 * same.  Exits with EX_IOERR when stdout cannot be written, with EX_OSERR for
 * another stream.
 */
void print_safe(FILE *out, const char *text, size_t length);

/* Write a value with print_safe(), and a line end. */
void print_line(FILE *out, jv v);

#endif
