/* SPDX-License-Identifier: ISC */
/* Times as RFC 3339 writes them. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "data/stamp.h"

void
stamp_write(char text[STAMP_SIZE], int64_t ms)
{
	time_t s = ms / 1000;
	char day[24];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, STAMP_SIZE, "%s.%03dZ", day, (int)(ms % 1000));
}

int64_t
stamp_read(const char *text)
{
	static const char form[] = "0000-00-00 00:00:00";
	struct tm tm = { 0 };
	int64_t ms = 0, minutes = 0;
	size_t digits;

	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == '0'     ? text[i] < '0' || text[i] > '9' :
			form[i] == ' ' ? text[i] != 'T' && text[i] != ' ' :
					 text[i] != form[i])
			return -1;
	if (strptime(text, "%Y-%m-%d", &tm) == NULL ||
	    strptime(text + 11, "%H:%M:%S", &tm) == NULL)
		return -1;
	text += strlen(form);
	if (*text == '.') {
		digits = strspn(++text, "0123456789");
		if (digits == 0 || digits > 9)
			return -1;
		for (size_t i = 0; i < 3; i++)
			ms = ms * 10 + (i < digits ? text[i] - '0' : 0);
		text += digits;
	}
	if (*text == '+' || *text == '-') {
		if (strlen(text) != 6 || text[3] != ':' ||
		    strspn(text + 1, "0123456789") != 2 ||
		    strspn(text + 4, "0123456789") != 2)
			return -1;
		minutes = ((text[1] - '0') * 10 + text[2] - '0') * 60 +
		    (text[4] - '0') * 10 + text[5] - '0';
		if (text[1] > '2' || text[4] > '5' || minutes >= 24 * 60)
			return -1;
		if (*text == '-')
			minutes = -minutes;
	} else if (strcmp(text, "Z") != 0 && strcmp(text, " UTC") != 0)
		return -1;
	return ((int64_t)timegm(&tm) - minutes * 60) * 1000 + ms;
}
