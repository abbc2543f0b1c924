/* SPDX-License-Identifier: ISC */
/* Fuzz the cursor of tack-events. */
/* Its own main is not called. */
int tack_events(int, char **);
#define main tack_events

#include "../../bin/tack-events.c"
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *again;
	size_t sign, digits;
	int64_t n;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	n = cursor(text);
	/* What has anything but a number in it is the beginning. */
	if (text[strspn(text, " \t\n\v\f\r+-0123456789")] != '\0' && n != 0)
		abort();
	/* A number is itself, at the ends of the range the last one. */
	sign = *text == '-';
	digits = strspn(text + sign, "0123456789");
	if (digits > 0 && text[sign + digits] == '\0') {
		if (asprintf(&again, "%lld", (long long)n) == -1)
			abort();
		while (text[sign] == '0' && digits-- > 1)
			memmove(
			    text + sign, text + sign + 1, strlen(text + sign));
		if (strcmp(text, again) != 0 && strcmp(text, "-0") != 0 &&
		    n != INT64_MAX && n != INT64_MIN)
			abort();
		free(again);
	}
	free(text);
	return 0;
}
