/* SPDX-License-Identifier: ISC */
/* The head of one HTTP/1.1 request, taken strictly. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "web/head.h"

#define DIGIT "0123456789"
#define ALPHA "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOKEN DIGIT ALPHA "!#$%&'*+-.^_`|~"

/*
 * Ends early, at a head that head_parse refuses, on what a whole head never
 * has, so that the sender is told at once.
 */
size_t
head_length(const char *text, size_t length)
{
	size_t start = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\0')
			return i + 1;
		if (text[i] == '\r' && i + 1 < length && text[i + 1] != '\n')
			return i + 1;
		if (text[i] != '\n')
			continue;
		if (i == start || (i == start + 1 && text[start] == '\r'))
			return i + 1;
		start = i + 1;
	}
	return 0;
}

/* Cut the next line off; NULL unless CR LF ends it and it has no controls. */
static char *
cut(char **next, const char *end)
{
	char *text = *next, *lf;

	lf = memchr(text, '\n', (size_t)(end - text));
	if (lf == NULL || lf == text || lf[-1] != '\r')
		return NULL;
	for (const char *c = text; c < lf - 1; c++)
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == '\177')
			return NULL;
	lf[-1] = '\0';
	*next = lf + 1;
	return text;
}

/*
 * Only characters of RFC 3986, and whole percent-encodings.  Brackets have no
 * place in a path there, but clients leave them as they are.
 */
static bool
target_valid(const char *target)
{
	static const char legal[] = DIGIT ALPHA "-._~%!$&'()*+,;=:@/?[]";

	if (target[0] != '/' || target[strspn(target, legal)] != '\0')
		return false;
	while ((target = strchr(target, '%')) != NULL)
		if (strspn(++target, DIGIT "abcdefABCDEF") < 2)
			return false;
	return true;
}

/* A name or an address, and perhaps a port. */
static bool
host_valid(const char *host)
{
	size_t n;

	if (*host == '[') {
		n = 1 + strspn(host + 1, DIGIT "abcdefABCDEF:.");
		if (n < 3 || host[n++] != ']')
			return false;
	} else if ((n = strspn(host, DIGIT ALPHA "-._~")) == 0)
		return false;
	if (host[n] == '\0')
		return true;
	if (host[n++] != ':')
		return false;
	host += n;
	n = strspn(host, DIGIT);
	return n >= 1 && n <= 5 && host[n] == '\0';
}

/* Decimal digits without a leading zero; -1 if it is anything else. */
static int64_t
length_value(const char *text)
{
	size_t n = strspn(text, DIGIT);
	int64_t length = 0;

	if (n == 0 || n > 18 || text[n] != '\0' || (*text == '0' && n > 1))
		return -1;
	while (*text != '\0')
		length = 10 * length + (*text++ - '0');
	return length;
}

/* How often a field is there. */
static size_t
count(const struct head *head, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < head->fields; i++)
		if (strcmp(head->name[i], name) == 0)
			n++;
	return n;
}

/*
 * Proxies put paths together of a prefix and what follows: a slash after a
 * slash, and one at the end, mean nothing.
 */
static void
tidy(char *path)
{
	char *to = path;

	for (const char *from = path; *from != '\0'; from++)
		if (*from != '/' || to == path || to[-1] != '/')
			*to++ = *from;
	if (to > path + 1 && to[-1] == '/')
		to--;
	*to = '\0';
}

static int
request_line(struct head *head, char *text)
{
	char *target, *version, *query;

	if ((target = strchr(text, ' ')) == NULL)
		return 400;
	*target++ = '\0';
	if ((version = strchr(target, ' ')) == NULL)
		return 400;
	*version++ = '\0';
	if (*text == '\0' || text[strspn(text, TOKEN)] != '\0' ||
	    !target_valid(target))
		return 400;
	if (strncmp(version, "HTTP/", 5) != 0 || strlen(version) != 8 ||
	    strspn(version + 5, DIGIT) != 1 || version[6] != '.' ||
	    strspn(version + 7, DIGIT) != 1)
		return 400;
	if (strcmp(version, "HTTP/1.1") != 0 &&
	    strcmp(version, "HTTP/1.0") != 0)
		return 505;
	head->method = text;
	head->minor = version[7] - '0';
	head->path = target;
	head->query = "";
	if ((query = strchr(target, '?')) != NULL) {
		*query++ = '\0';
		head->query = query;
	}
	tidy(target);
	return 0;
}

static int
field_line(struct head *head, char *text)
{
	size_t n = strspn(text, TOKEN), end;

	if (n == 0 || text[n] != ':')
		return 400;
	if (head->fields == HEAD_FIELDS)
		return 431;
	text[n] = '\0';
	for (char *c = text; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	head->name[head->fields] = text;
	text += n + 1;
	text += strspn(text, " \t");
	for (end = strlen(text); end > 0; end--)
		if (text[end - 1] != ' ' && text[end - 1] != '\t')
			break;
	text[end] = '\0';
	head->value[head->fields++] = text;
	return 0;
}

int
head_parse(struct head *head, char *text, size_t length)
{
	const char *end = text + length, *value;
	char *line;
	int status;

	memset(head, 0, sizeof(*head));
	if ((line = cut(&text, end)) == NULL)
		return 400;
	if ((status = request_line(head, line)) != 0)
		return status;
	for (;;) {
		if ((line = cut(&text, end)) == NULL)
			return 400;
		if (*line == '\0')
			break;
		if ((status = field_line(head, line)) != 0)
			return status;
	}
	if (text != end)
		return 400;

	if (count(head, "host") > 0 || head->minor > 0) {
		value = head_field(head, "host");
		if (value == NULL || !host_valid(value))
			return 400;
	}
	head->length = -1;
	if (count(head, "content-length") > 0) {
		value = head_field(head, "content-length");
		if (value == NULL)
			return 400;
		if ((head->length = length_value(value)) == -1)
			return 400;
	}
	/* As a gateway in the manner of CGI would take them. */
	if (count(head, "content_length") > 0 ||
	    count(head, "transfer_encoding") > 0)
		return 400;
	if (count(head, "transfer-encoding") > 0)
		return 411;
	if (count(head, "expect") > 0) {
		value = head_field(head, "expect");
		if (value == NULL || strcasecmp(value, "100-continue") != 0)
			return 417;
	}
	return 0;
}

const char *
head_field(const struct head *head, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < head->fields; i++) {
		if (strcmp(head->name[i], name) != 0)
			continue;
		if (value != NULL)
			return NULL;
		value = head->value[i];
	}
	return value;
}

bool
head_has_word(const struct head *head, const char *name, const char *word)
{
	const char *c;
	size_t n, length = strlen(word);

	for (size_t i = 0; i < head->fields; i++) {
		if (strcmp(head->name[i], name) != 0)
			continue;
		for (c = head->value[i]; *c != '\0'; c += n) {
			c += strspn(c, ", \t");
			n = strcspn(c, ", \t");
			if (n == length && strncasecmp(c, word, n) == 0)
				return true;
		}
	}
	return false;
}

static int
hex(char c)
{
	const char *digit;

	if (c >= 'A' && c <= 'F')
		c += 'a' - 'A';
	digit = c == '\0' ? NULL : strchr("0123456789abcdef", c);
	return digit == NULL ? -1 : (int)(digit - "0123456789abcdef");
}

/* The byte that the text begins with, which is moved past it; 0 if none. */
static int
byte(const char **text)
{
	const char *t = *text;
	int high, low;

	if (*t != '%') {
		*text = t + 1;
		return (unsigned char)*t;
	}
	/* The path's NUL is no digit: nothing behind it is looked at. */
	if ((high = hex(t[1])) == -1 || (low = hex(t[2])) == -1)
		return 0;
	*text = t + 3;
	return high * 16 + low;
}

char *
head_segment(const char **path)
{
	const char *text = *path, *end;
	char *segment;
	size_t n = 0;
	int c = 0;

	if (*text++ != '/')
		return NULL;
	end = *path = text + strcspn(text, "/");
	segment = xmalloc((size_t)(end - text) + 1);
	while (text < end && (c = byte(&text)) >= 0x20 && c != 0x7f)
		segment[n++] = (char)c;
	segment[n] = '\0';
	if (n > 0 && n <= HEAD_SEGMENT && c >= 0x20 && c != 0x7f)
		return segment;
	free(segment);
	return NULL;
}
