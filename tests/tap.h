/* SPDX-License-Identifier: ISC */
/* The facts of a unit test, in TAP. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

/* Write each line at once: a child that exits has none of them to repeat. */
__attribute__((constructor)) static void
tap_lines(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Report whether a fact holds, and return that. */
static inline bool
ok(bool good, const char *fact)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_count, fact);
	tap_failed += !good;
	return good;
}

/* Report whether two integers are equal; show them if they are not. */
static inline bool
is(int64_t got, int64_t want, const char *fact)
{
	if (!ok(got == want, fact))
		printf("# %lld, not %lld\n", (long long)got, (long long)want);
	return got == want;
}

/* Report whether two texts, or NULLs, are equal; show them if they are not. */
static inline bool
is_text(const char *got, const char *want, const char *fact)
{
	bool good =
	    got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;

	if (!ok(good, fact))
		printf("# %s, not %s\n", got != NULL ? got : "NULL",
		    want != NULL ? want : "NULL");
	return good;
}

/* Print the plan; returns the exit status of the test. */
static inline int
done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
