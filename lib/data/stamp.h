/* SPDX-License-Identifier: ISC */
/* Times as RFC 3339 writes them. */
#ifndef DATA_STAMP_H
#define DATA_STAMP_H

#include <stdint.h>

/* The most bytes that stamp_write() writes, with the NUL. */
#define STAMP_SIZE 32

/* Write a time, in milliseconds since 1970, as 2026-08-22T10:15:31.114Z. */
void stamp_write(char text[STAMP_SIZE], int64_t ms);

/*
 * Return the time that text spells, in milliseconds since 1970; -1 if it spells
 * none.  A blank may stand for the T, as RFC 3339 allows, and " UTC" for the Z,
 * as CIs in Ruby write it.
 */
int64_t stamp_read(const char *text);

#endif
