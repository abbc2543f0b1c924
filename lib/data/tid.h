/* SPDX-License-Identifier: ISC */
/* Timestamp identifiers, the record keys of AT Protocol. */
#ifndef DATA_TID_H
#define DATA_TID_H

#include <stdbool.h>
#include <stdint.h>

#define TID_LENGTH 13

/*
 * The TID of unix microseconds below 2^53 and a clock id below 1024
 * (atproto.com/specs/tid).
 */
void
tid_make(char text[TID_LENGTH + 1], int64_t microseconds, unsigned clock_id);

/* Is the text a TID? */
bool tid_valid(const char *);

#endif
