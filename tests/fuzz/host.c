/* SPDX-License-Identifier: ISC */
/* Fuzz the host name of a request against a second opinion. */
#include <stdlib.h>

#include "../../lib/web/head.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* RFC 3986's host without userinfo or percent-encoding, and a port. */
static int
opinion(const char *text)
{
	const char *port = strrchr(text, ':'), *end = text + strlen(text);

	if (*text == '[') {
		const char *close = strchr(text, ']');

		if (close == NULL || close < text + 3 ||
		    (close[1] != '\0' && close[1] != ':'))
			return 0;
		for (const char *c = text + 1; c < close; c++)
			if (strchr("0123456789abcdefABCDEF:.", *c) == NULL)
				return 0;
		port = close[1] == ':' ? close + 1 : NULL;
	} else {
		if (port != NULL)
			end = port;
		if (end == text)
			return 0;
		for (const char *c = text; c < end; c++)
			if (strchr("-._~", *c) == NULL &&
			    !(*c >= '0' && *c <= '9') &&
			    !(*c >= 'a' && *c <= 'z') &&
			    !(*c >= 'A' && *c <= 'Z'))
				return 0;
	}
	if (port == NULL)
		return 1;
	for (const char *c = ++port; *c != '\0'; c++)
		if (*c < '0' || *c > '9')
			return 0;
	return *port != '\0' && strlen(port) <= 5;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (host_valid(text) != opinion(text))
		abort();
	free(text);
	return 0;
}
