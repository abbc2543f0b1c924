/* SPDX-License-Identifier: ISC */
/* What time it is. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* The time of day, in milliseconds since 1970, in UTC.  It may be set back. */
int64_t clock_now(void);

/* The time of day, in nanoseconds since 1970, in UTC.  It may be set back. */
int64_t clock_ns(void);

/*
 * Milliseconds of a clock that only goes forward, to measure how long
 * something takes.  It begins anew with each boot.
 */
int64_t clock_ticks(void);

/* As clock_ticks(), in microseconds. */
int64_t clock_us(void);

#endif
