/* SPDX-License-Identifier: ISC */
/* What time it is. */
#include <time.h>

#include "base/clock.h"

static int64_t
read_ns(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
clock_now(void)
{
	return clock_ns() / 1000000;
}

int64_t
clock_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

int64_t
clock_ticks(void)
{
	return read_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t
clock_us(void)
{
	return read_ns(CLOCK_MONOTONIC) / 1000;
}
