/* SPDX-License-Identifier: ISC */
/* The head of an HTTP/1.1 reply. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "reply.h"

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

void
reply_head(struct bytes *b, int status, const char *fields, ssize_t length)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *reason = "";
	time_t t = time(NULL);
	struct tm tm;
	char *head, content[48] = "";
	int n;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			reason = reasons[i].reason;
	if (length >= 0)
		snprintf(content, sizeof(content), "Content-Length: %zd\r\n",
		    length);
	gmtime_r(&t, &tm);
	n = asprintf(&head,
	    "HTTP/1.1 %d %s\r\n"
	    "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n"
	    "%s"
	    "%s"
	    "Connection: close\r\n"
	    "\r\n",
	    status, reason, days + 3 * tm.tm_wday, tm.tm_mday,
	    months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, fields, content);
	if (n == -1)
		err(EX_OSERR, NULL);
	bytes_add(b, head, (size_t)n);
	free(head);
}
