/* SPDX-License-Identifier: ISC */
/* A request as the record that filters take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <nettle/base64.h>

#include "data/print.h"
#include "web/request.h"

static void
add(struct bytes *out, const char *text)
{
	bytes_add(out, text, strlen(text));
}

/* A JSON string. libjq for what is not plain: it mends bad UTF-8, too. */
static void
add_string(struct bytes *out, const char *text)
{
	const char *c = text;
	char *json;

	while (*c >= 0x20 && *c < 0x7f && *c != '"' && *c != '\\')
		c++;
	if (*c != '\0') {
		json = print_text(jv_string(text));
		add(out, json);
		free(json);
		return;
	}
	bytes_add(out, "\"", 1);
	bytes_add(out, text, (size_t)(c - text));
	bytes_add(out, "\"", 1);
}

static void
add_member(struct bytes *out, const char *name, const char *value)
{
	add_string(out, name);
	bytes_add(out, ":", 1);
	add_string(out, value);
}

/* The first of the fields from one on that has a name, or their count. */
static size_t
next(const struct head *head, size_t i, const char *name)
{
	while (i < head->fields && strcmp(head->name[i], name) != 0)
		i++;
	return i;
}

/* The fields as an object; one that is repeated becomes an array. */
static void
add_fields(struct bytes *out, const struct head *head)
{
	const char *separator = "";
	size_t same;

	for (size_t i = 0; i < head->fields; i++) {
		const char *name = head->name[i];

		if (next(head, 0, name) < i)
			continue;
		add(out, separator);
		separator = ",";
		if ((same = next(head, i + 1, name)) == head->fields) {
			add_member(out, name, head->value[i]);
			continue;
		}
		add_string(out, name);
		add(out, ":[");
		add_string(out, head->value[i]);
		for (; same < head->fields; same = next(head, same + 1, name)) {
			add(out, ",");
			add_string(out, head->value[same]);
		}
		add(out, "]");
	}
}

void
request_record(struct bytes *out, uint64_t number, const struct head *head,
    const char *body, size_t length)
{
	size_t size = BASE64_ENCODE_RAW_LENGTH(length);
	char text[96];

	snprintf(text, sizeof(text), "{\"id\":\"%ld-%llu\",\"request\":{",
	    (long)getpid(), (unsigned long long)number);
	add(out, text);
	add_member(out, "method", head->method);
	add(out, ",");
	add_member(out, "path", head->path);
	add(out, ",");
	add_member(out, "query", head->query);
	add(out, ",\"headers\":{");
	add_fields(out, head);
	add(out, "},\"body\":\"");
	bytes_room(out, size);
	base64_encode_raw(
	    out->text + out->length, length, (const uint8_t *)body);
	out->length += size;
	snprintf(
	    text, sizeof(text), "\",\"at\":%lld}}\n", (long long)time(NULL));
	add(out, text);
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
