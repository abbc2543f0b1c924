/* SPDX-License-Identifier: ISC */
/* Timestamp identifiers, the record keys of AT Protocol. */
#ifndef DATA_TID_H
#define DATA_TID_H

#include <stdbool.h>
#include <stdint.h>

#define TID_LENGTH 13

/*
 * Write the TID (atproto.com/specs/tid) of a time, in microseconds since 1970
 * and below 2^53, and of a clock's number, below 1024.
 */
void
tid_make(char text[TID_LENGTH + 1], int64_t microseconds, unsigned clock_id);

/* Is the text a TID? */
bool tid_valid(const char *text);

#endif
