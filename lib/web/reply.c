/* SPDX-License-Identifier: ISC */
/* The head of an HTTP/1.1 reply. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "web/reply.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

/* The field Date, made anew each second. */
static const char *
date(void)
{
	static char field[64];
	static time_t last = -1;
	time_t t = time(NULL);
	struct tm tm;

	if (t == last)
		return field;
	last = t;
	gmtime_r(&t, &tm);
	/* No tool calls setlocale(3), so the names are English. */
	strftime(
	    field, sizeof(field), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	return field;
}

static void
add(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

void
reply_head(struct bytes *b, int status, const char *fields, ssize_t length,
    const char *connection)
{
	const char *reason = "";
	char line[80];

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			reason = reasons[i].reason;
	snprintf(line, sizeof(line), "HTTP/1.1 %d %s\r\n", status, reason);
	add(b, line);
	add(b, date());
	add(b, fields);
	if (length >= 0) {
		snprintf(line, sizeof(line), "Content-Length: %zd\r\n", length);
		add(b, line);
	}
	if (connection != NULL) {
		add(b, "Connection: ");
		add(b, connection);
		add(b, "\r\n");
	}
	add(b, "\r\n");
}
