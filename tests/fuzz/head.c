/* SPDX-License-Identifier: ISC */
/* Fuzz the head of a request: what is taken is in order. */
#include <stdlib.h>
#include <string.h>

#include "web/head.h"
#include "web/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int fact)
{
	if (!fact)
		abort();
}

/* No control character but a tab, which a path has not either. */
static void
clean(const char *text, int tab)
{
	for (; *text != '\0'; text++)
		must(((unsigned char)*text >= ' ' && *text != '\177') ||
		    (tab && *text == '\t'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = head_length((const char *)data, size);
	char *text, accept[WS_ACCEPT];
	const char *cl;
	struct head head;

	must(length <= size);
	/* As its bytes arrive, it ends in the same place. */
	for (size_t i = 0; i <= size && size < 128; i++) {
		size_t now = head_length((const char *)data, i);

		must(now == 0 || now == length);
	}
	if (length == 0)
		return 0;
	if ((text = malloc(length)) == NULL)
		abort();
	memcpy(text, data, length);
	if (head_parse(&head, text, length) == 0) {
		must(length >= 16 &&
		    memcmp(data + length - 4, "\r\n\r\n", 4) == 0);
		must(memchr(data, '\0', length) == NULL);
		must(*head.method != '\0' && *head.path == '/');
		clean(head.method, 0);
		clean(head.path, 0);
		clean(head.query, 0);
		must(strpbrk(head.path, " ?#") == NULL);
		for (size_t i = 0; i < head.fields; i++) {
			must(*head.name[i] != '\0' &&
			    strpbrk(head.name[i], " \tABCXYZ:") == NULL);
			clean(head.name[i], 0);
			clean(head.value[i], 1);
			must(strcmp(head.name[i], "transfer-encoding") != 0);
		}
		/* HTTP/1.0 may do without one. */
		must(head.minor == 0 || head_field(&head, "host") != NULL);
		cl = head_field(&head, "content-length");
		must((cl == NULL) == (head.length == -1));
		must(cl == NULL || strtoll(cl, NULL, 10) == head.length);
		if (ws_handshake(&head, accept) == 0)
			must(strlen(accept) == WS_ACCEPT - 1);
	}
	free(text);
	return 0;
}
