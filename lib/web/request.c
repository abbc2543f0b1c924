/* SPDX-License-Identifier: ISC */
/* A request as the record that filters take. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "data/base64.h"
#include "data/print.h"
#include "web/request.h"

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
	size_t same;

	print_open(out, '{');
	for (size_t i = 0; i < head->fields; i++) {
		const char *name = head->name[i];

		if (next(head, 0, name) < i)
			continue;
		print_name(out, name);
		if ((same = next(head, i + 1, name)) == head->fields) {
			print_string(out, head->value[i]);
			continue;
		}
		print_open(out, '[');
		print_string(out, head->value[i]);
		for (; same < head->fields; same = next(head, same + 1, name))
			print_string(out, head->value[same]);
		print_close(out, ']');
	}
	print_close(out, '}');
}

void
request_record(struct bytes *out, uint64_t number, const struct head *head,
    const char *body, size_t length)
{
	char id[48];

	snprintf(id, sizeof(id), "%ld-%llu", (long)getpid(),
	    (unsigned long long)number);
	print_open(out, '{');
	print_member(out, "id", id);
	print_name(out, "request");
	print_open(out, '{');
	print_member(out, "method", head->method);
	print_member(out, "path", head->path);
	print_member(out, "query", head->query);
	print_name(out, "headers");
	add_fields(out, head);
	print_name(out, "body");
	bytes_add(out, "\"", 1);
	bytes_room(out, BASE64_ENCODED(length));
	out->length += base64_encode(out->text + out->length, body, length, 0);
	bytes_add(out, "\"", 1);
	print_name(out, "at");
	print_int(out, time(NULL));
	print_close(out, '}');
	print_close(out, '}');
	bytes_add(out, "\n", 1);
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
