/* SPDX-License-Identifier: ISC */
/* Waiting for a moment without sleeping. */
#include <sched.h>

#include "base/clock.h"
#include "base/spin.h"

int
spin_poll(struct pollfd *fds, nfds_t count, int microseconds)
{
	int64_t end = clock_us() + microseconds;
	cpu_set_t cpus;
	int n;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0 ||
	    CPU_COUNT(&cpus) < 2)
		return 0;
	do {
		n = poll(fds, count, 0);
	} while (n == 0 && clock_us() < end);
	return n;
}
