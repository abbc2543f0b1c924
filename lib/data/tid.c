/* SPDX-License-Identifier: ISC */
/* Timestamp identifiers, the record keys of AT Protocol. */
#include <string.h>

#include "data/tid.h"

/* In the order of ASCII, so that TIDs sort as their times do. */
static const char digits[] = "234567abcdefghijklmnopqrstuvwxyz";

void
tid_make(char text[TID_LENGTH + 1], int64_t microseconds, unsigned clock_id)
{
	uint64_t n = (uint64_t)microseconds << 10 | clock_id;

	text[TID_LENGTH] = '\0';
	for (int i = TID_LENGTH - 1; i >= 0; i--, n >>= 5)
		text[i] = digits[n & 31];
}

bool
tid_valid(const char *text)
{
	/* 13 digits hold 65 bits: the upper two must be 0. */
	return strspn(text, digits) == TID_LENGTH && text[TID_LENGTH] == '\0' &&
	    text[0] <= 'j';
}
