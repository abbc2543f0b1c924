/* SPDX-License-Identifier: ISC */
/* A request as the record that filters take. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <nettle/base64.h>

#include "json.h"
#include "request.h"

/* The fields as an object; one that is repeated becomes an array. */
static jv
headers(const struct head *head)
{
	jv object = jv_object(), values;
	size_t same;

	for (size_t i = 0; i < head->fields; i++) {
		for (same = 0; same < i; same++)
			if (strcmp(head->name[same], head->name[i]) == 0)
				break;
		if (same < i)
			continue;
		if (head_field(head, head->name[i]) != NULL) {
			object =
			    json_set_str(object, head->name[i], head->value[i]);
			continue;
		}
		for (values = jv_array(); same < head->fields; same++)
			if (strcmp(head->name[same], head->name[i]) == 0)
				values = jv_array_append(
				    values, jv_string(head->value[same]));
		object = json_set(object, head->name[i], values);
	}
	return object;
}

void
request_record(struct bytes *out, uint64_t number, const struct head *head,
    const char *body, size_t length)
{
	size_t size = BASE64_ENCODE_RAW_LENGTH(length);
	jv request = jv_object(), record = jv_object();
	char id[64], *base64, *text;

	if ((base64 = malloc(size + 1)) == NULL)
		err(EX_OSERR, NULL);
	base64_encode_raw(base64, length, (const uint8_t *)body);
	base64[size] = '\0';

	request = json_set_str(request, "method", head->method);
	request = json_set_str(request, "path", head->path);
	request = json_set_str(request, "query", head->query);
	request = json_set(request, "headers", headers(head));
	request = json_set_str(request, "body", base64);
	request = json_set(request, "at", jv_number((double)time(NULL)));
	snprintf(id, sizeof(id), "%ld-%llu", (long)getpid(),
	    (unsigned long long)number);
	record = json_set_str(record, "id", id);
	text = json_text(json_set(record, "request", request));
	bytes_add(out, text, strlen(text));
	bytes_add(out, "\n", 1);
	free(base64);
	free(text);
}

uint64_t
request_number(const char *id, size_t length)
{
	char prefix[32];
	uint64_t number = 0;
	size_t n =
	    (size_t)snprintf(prefix, sizeof(prefix), "\"%ld-", (long)getpid());

	if (id == NULL || length < n + 2 || strncmp(id, prefix, n) != 0 ||
	    id[n] == '0')
		return 0;
	for (; id[n] >= '0' && id[n] <= '9'; n++)
		number = number * 10 + (uint64_t)(id[n] - '0');
	return n == length - 1 ? number : 0;
}
