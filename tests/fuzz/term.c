/* SPDX-License-Identifier: ISC */
/* Fuzz the terminal: what comes out is clean, however the log was torn. */

#include <stdlib.h>
#include <string.h>

#include "log/term.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct sum {
	uint64_t hash;
	size_t length;
};

static void
line(const char *text, size_t length, int64_t ms, bool ended, void *arg)
{
	struct sum *sum = arg;

	if (length > TERM_LINE || memchr(text, '\033', length) != NULL ||
	    memchr(text, '\r', length) != NULL ||
	    memchr(text, '\n', length) != NULL)
		abort();
	for (size_t i = 0; i < length; i++)
		sum->hash =
		    (sum->hash ^ (unsigned char)text[i]) * 1099511628211u;
	sum->hash = (sum->hash ^ (uint64_t)ms ^ ended) * 1099511628211u;
	sum->length += length;
}

static struct sum
run(const char *text, size_t size, size_t step)
{
	struct sum sum = { 0 };
	struct term *t = term_new(line, &sum);

	for (size_t i = 0; i < size; i += step)
		term_feed(t, text + i, size - i < step ? size - i : step);
	term_end(t);
	term_free(t);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, torn;

	if (size == 0)
		return 0;
	whole = run((const char *)data, size, size);
	torn = run((const char *)data, size, data[0] % 16 + 1);
	if (whole.hash != torn.hash || whole.length > size * 160)
		abort();
	return 0;
}
