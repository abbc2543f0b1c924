/* SPDX-License-Identifier: ISC */
/* JSON, written. */
#ifndef DATA_PRINT_H
#define DATA_PRINT_H

#include <stddef.h>
#include <stdio.h>

#include <jv.h>

/* The text of a value, for the caller to free. */
char *print_text(jv);

/*
 * Write checked JSON text on one line that is safe on a terminal: a line end
 * between tokens becomes a blank; DEL, the C1 controls and the marks that
 * turn the direction of text become \u escapes, which mean the same.  Exits
 * with EX_OSERR when it cannot write.
 */
void print_safe(FILE *, const char *, size_t);

#endif
