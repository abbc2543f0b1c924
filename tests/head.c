/* SPDX-License-Identifier: ISC */
/* Requests that two parsers might read differently are refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/head.h"
#include "tap.h"

#define H "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST /x HTTP/1.1\r\n" H
#define END "\r\n"
#define T(s) s, sizeof(s) - 1

static const struct {
	int status;
	const char *fact;
	const char *text;
	size_t length;
} cases[] = {
	{ 400, "empty line first", T("\r\n" GET H END) },
	{ 400, "bare LF first", T("\n" GET H END) },
	{ 400, "HTTP/0.9", T("GET /\r\n" H END) },
	{ 400, "bare LF after request line", T("GET / HTTP/1.1\n" H END) },
	{ 400, "bare LF after a field", T(GET "Host: a\n" END) },
	{ 400, "bare LF after a longer field", T(GET "Host: ab\n" END) },
	{ 400, "bare LF after another field", T(GET H "X: ab\n" END) },
	{ 400, "bare LFs only", T("GET / HTTP/1.1\nHost: a\n\n") },
	{ 400, "bare LF ends the head", T(GET H "\n") },
	{ 400, "bare CRs only", T("GET / HTTP/1.1\rHost: a\r\r") },
	{ 400, "bare CR in a value", T(GET H "X: a\rb\r\n" END) },
	{ 400, "bare CR hides a field",
	    T(POST "X: a\rContent-Length: 5\r\n" END) },
	{ 400, "CR CR LF", T(GET "Host: a\r\r\n" END) },
	{ 400, "bare CR in request line", T("GET /\r HTTP/1.1\r\n" H END) },
	{ 400, "NUL in a value", T(GET H "X: a\0b\r\n" END) },
	{ 400, "NUL in a name", T(GET H "X\0: a\r\n" END) },
	{ 400, "NUL in the target", T("GET /\0 HTTP/1.1\r\n" H END) },
	{ 400, "control in a value", T(GET H "X: a\1b\r\n" END) },
	{ 400, "vertical tab round chunked",
	    T(POST "Transfer-Encoding: \vchunked\r\n" END) },
	{ 400, "DEL in a value", T(GET H "X: a\177b\r\n" END) },
	{ 400, "folded by blank", T(GET H "X: a\r\n b\r\n" END) },
	{ 400, "folded by tab", T(GET H "X: a\r\n\tb\r\n" END) },
	{ 400, "folded length", T(POST "Content-Length:\r\n 5\r\n" END) },
	{ 400, "blank before the first field", T(GET " " H END) },
	{ 400, "line of blanks", T(GET H " \r\n" END) },
	{ 400, "blank before colon", T(POST "Content-Length : 5\r\n" END) },
	{ 400, "tab before colon", T(POST "Content-Length\t: 5\r\n" END) },
	{ 400, "blank before colon of Transfer-Encoding",
	    T(POST "Transfer-Encoding : chunked\r\n" END) },
	{ 400, "no name", T(GET H ": a\r\n" END) },
	{ 400, "no colon", T(GET H "X\r\n" END) },
	{ 400, "blank in a name", T(GET H "X Y: a\r\n" END) },
	{ 400, "high byte in a name", T(GET H "X\240: a\r\n" END) },
	{ 400, "bracket in a name", T(GET H "X(: a\r\n" END) },
	{ 400, "no Host", T(GET END) },
	{ 400, "two Hosts", T(GET H "Host: b\r\n" END) },
	{ 400, "two equal Hosts", T(GET H H END) },
	{ 400, "two Hosts, other case", T(GET H "hOST: a\r\n" END) },
	{ 400, "empty Host", T(GET "Host: \r\n" END) },
	{ 400, "Host a list", T(GET "Host: a, b\r\n" END) },
	{ 400, "Host with user", T(GET "Host: a@b\r\n" END) },
	{ 400, "Host with path", T(GET "Host: a/b\r\n" END) },
	{ 400, "Host with odd port", T(GET "Host: a:80x\r\n" END) },
	{ 400, "Host with empty port", T(GET "Host: a:\r\n" END) },
	{ 400, "Host with open bracket", T(GET "Host: [::1\r\n" END) },
	{ 400, "two lengths",
	    T(POST "Content-Length: 5\r\nContent-Length: 6\r\n" END) },
	{ 400, "two equal lengths",
	    T(POST "Content-Length: 5\r\nContent-Length: 5\r\n" END) },
	{ 400, "two lengths, other case",
	    T(POST "Content-Length: 0\r\ncontent-length: 5\r\n" END) },
	{ 400, "length a list", T(POST "Content-Length: 5, 5\r\n" END) },
	{ 400, "length signed", T(POST "Content-Length: +5\r\n" END) },
	{ 400, "length negative", T(POST "Content-Length: -5\r\n" END) },
	{ 400, "length in hex", T(POST "Content-Length: 0x5\r\n" END) },
	{ 400, "length in octal", T(POST "Content-Length: 010\r\n" END) },
	{ 400, "length of many zeros", T(POST "Content-Length: 00\r\n" END) },
	{ 400, "length empty", T(POST "Content-Length:\r\n" END) },
	{ 400, "length with a fraction",
	    T(POST "Content-Length: 5.0\r\n" END) },
	{ 400, "length with an exponent",
	    T(POST "Content-Length: 5e1\r\n" END) },
	{ 400, "length in words", T(POST "Content-Length: five\r\n" END) },
	{ 400, "length in two words", T(POST "Content-Length: 5 5\r\n" END) },
	{ 400, "length with underscore",
	    T(POST "Content-Length: 5_0\r\n" END) },
	{ 400, "length quoted", T(POST "Content-Length: \"5\"\r\n" END) },
	{ 400, "length past 64 bits",
	    T(POST "Content-Length: 18446744073709551621\r\n" END) },
	{ 400, "length at 2^63",
	    T(POST "Content-Length: 9223372036854775808\r\n" END) },
	{ 400, "length of high digits",
	    T(POST "Content-Length: \357\274\225\r\n" END) },
	{ 400, "Content_Length", T(POST "Content_Length: 5\r\n" END) },
	{ 400, "Transfer_Encoding",
	    T(POST "Transfer_Encoding: chunked\r\n" END) },
	{ 411, "chunked", T(POST "Transfer-Encoding: chunked\r\n" END) },
	{ 411, "chunked and length",
	    T(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END) },
	{ 411, "length and chunked, reverse order",
	    T(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END) },
	{ 411, "identity", T(POST "Transfer-Encoding: identity\r\n" END) },
	{ 411, "xchunked", T(POST "Transfer-Encoding: xchunked\r\n" END) },
	{ 411, "chunked, other case",
	    T(POST "tRANSFER-eNCODING: Chunked\r\n" END) },
	{ 411, "two encodings",
	    T(POST "Transfer-Encoding: chunked\r\n"
		   "Transfer-Encoding: identity\r\n" END) },
	{ 411, "empty encoding", T(POST "Transfer-Encoding:\r\n" END) },
	{ 411, "chunked after a tab",
	    T(POST "Transfer-Encoding:\tchunked\r\n" END) },
	{ 417, "unknown Expect", T(POST "Expect: 200-ok\r\n" END) },
	{ 417, "two Expects",
	    T(POST "Expect: 100-continue\r\nExpect: 100-continue\r\n" END) },
	{ 400, "absolute target", T("GET http://a/ HTTP/1.1\r\n" H END) },
	{ 400, "authority target", T("CONNECT a:80 HTTP/1.1\r\n" H END) },
	{ 400, "asterisk target", T("OPTIONS * HTTP/1.1\r\n" H END) },
	{ 400, "empty target", T("GET  HTTP/1.1\r\n" H END) },
	{ 400, "relative target", T("GET x HTTP/1.1\r\n" H END) },
	{ 400, "blank in the target", T("GET /a b HTTP/1.1\r\n" H END) },
	{ 400, "two blanks before target", T("GET  / HTTP/1.1\r\n" H END) },
	{ 400, "two blanks before version", T("GET /  HTTP/1.1\r\n" H END) },
	{ 400, "blank after version", T("GET / HTTP/1.1 \r\n" H END) },
	{ 400, "blank before method", T(" GET / HTTP/1.1\r\n" H END) },
	{ 400, "tab for blank", T("GET\t/\tHTTP/1.1\r\n" H END) },
	{ 400, "no method", T(" / HTTP/1.1\r\n" H END) },
	{ 400, "colon in method", T("GET: / HTTP/1.1\r\n" H END) },
	{ 400, "fragment in target", T("GET /#a HTTP/1.1\r\n" H END) },
	{ 400, "backslash in target", T("GET /\\a HTTP/1.1\r\n" H END) },
	{ 400, "high byte in target", T("GET /\303\251 HTTP/1.1\r\n" H END) },
	{ 400, "cut percent", T("GET /%4 HTTP/1.1\r\n" H END) },
	{ 400, "odd percent", T("GET /%zz HTTP/1.1\r\n" H END) },
	{ 505, "HTTP/2.0", T("GET / HTTP/2.0\r\n" H END) },
	{ 505, "HTTP/1.2", T("GET / HTTP/1.2\r\n" H END) },
	{ 505, "HTTP/0.9 spelt", T("GET / HTTP/0.9\r\n" H END) },
	{ 400, "HTTP/1.10", T("GET / HTTP/1.10\r\n" H END) },
	{ 400, "HTTP/01.1", T("GET / HTTP/01.1\r\n" H END) },
	{ 400, "HTTP/1", T("GET / HTTP/1\r\n" H END) },
	{ 400, "lower-case http", T("GET / http/1.1\r\n" H END) },
	{ 400, "other protocol", T("GET / ICAP/1.1\r\n" H END) },
	{ 400, "HTTP/2 preface", T("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
	{ 400, "TLS hello", T("\026\003\001\002\000\001\000\001\374\003\003") },

	{ 0, "plain GET", T(GET H END) },
	{ 0, "HTTP/1.0", T("GET / HTTP/1.0\r\n" H END) },
	{ 0, "no Host in 1.0", T("GET / HTTP/1.0\r\n" END) },
	{ 400, "two Hosts in 1.0", T("GET / HTTP/1.0\r\n" H H END) },
	{ 400, "an odd Host in 1.0", T("GET / HTTP/1.0\r\nHost: a/b\r\n" END) },
	{ 0, "brackets in a path", T("GET /ci[1] HTTP/1.1\r\n" H END) },
	{ 0, "length nought", T(POST "Content-Length: 0\r\n" END) },
	{ 0, "length and blanks round it",
	    T(POST "Content-Length: \t5 \r\n" END) },
	{ 0, "expects to continue", T(POST "expect: 100-Continue\r\n" END) },
	{ 0, "address for a host", T(GET "Host: [::1]:8080\r\n" END) },
	{ 0, "host and port", T(GET "Host: a.example:8080\r\n" END) },
	{ 0, "empty value", T(GET H "X:\r\n" END) },
	{ 0, "high bytes in a value", T(GET H "X: \303\251\r\n" END) },
	{ 0, "tab in a value", T(GET H "X: a\tb\r\n" END) },
	{ 0, "percent in target", T("GET /%2f?a=%20 HTTP/1.1\r\n" H END) },
	{ 0, "two of another field", T(GET H "X: a\r\nX: b\r\n" END) },
};

static int
parse(struct head *head, char *buf, const char *text, size_t length)
{
	size_t whole = head_length(text, length);

	if (whole == 0)
		return -1;
	memcpy(buf, text, whole);
	return head_parse(head, buf, whole);
}

/* The segments of a path, one after another, "!" for one that is none. */
static const char *
segments(const char *path)
{
	static char text[2048];
	char *segment;

	text[0] = '\0';
	while (*path != '\0') {
		if ((segment = head_segment(&path)) == NULL)
			return "!";
		strcat(strcat(text, segment), " ");
		free(segment);
	}
	return text;
}

int
main(void)
{
	static const struct {
		const char *path, *segments;
	} paths[] = {
		{ "/knot.example:3000/3lhjx/ci.yml",
		    "knot.example:3000 3lhjx ci.yml " },
		{ "/a%20b%2fc%2F/%c3%A9", "a b/c/ \xc3\xa9 " },
		{ "/-f", "-f " },
		{ "//a", "!" },
		{ "/a//b", "!" },
		{ "/a/", "!" },
		{ "/%", "!" },
		{ "/a%", "!" },
		{ "/a%4", "!" },
		{ "/%4/1", "!" },
		{ "/%g1", "!" },
		{ "/%1g", "!" },
		{ "/a%00", "!" },
		{ "/%00a", "!" },
		{ "/a%0a", "!" },
		{ "/%1fa", "!" },
		{ "/%7f", "!" },
	};
	static const char good[] = "POST /webhooks/x?a=b?c HTTP/1.1\r\n"
				   "HOST: a:1\r\nX-Two: 1\r\nx-two: 2\r\n"
				   "Content-Length: 4096\r\nX-A: b c \r\n\r\n";
	char buf[HEAD_SIZE], text[HEAD_SIZE], fact[128];
	struct head head;
	size_t n, part = 0;
	int got, refused = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		got = parse(&head, buf, cases[i].text, cases[i].length);
		snprintf(fact, sizeof(fact), "%d: %s", cases[i].status,
		    cases[i].fact);
		ok(got == cases[i].status, fact);
		if (got != cases[i].status)
			printf("# got %d\n", got);
		refused += cases[i].status != 0;
	}
	printf("# %d texts to refuse\n", refused);

	n = sizeof(good) - 1;
	for (size_t i = 0; i < n; i++)
		part += head_length(good, i);
	ok(part == 0, "no part of a head is whole");
	ok(head_length(good, sizeof(good)) == n, "what follows is no part");
	ok(parse(&head, buf, good, n) == 0, "a request parses");
	ok(strcmp(head.method, "POST") == 0, "method");
	ok(strcmp(head.path, "/webhooks/x") == 0, "path");
	ok(strcmp(head.query, "a=b?c") == 0, "query");
	ok(head.length == 4096, "length");
	ok(head.fields == 5, "fields");
	ok(strcmp(head_field(&head, "host"), "a:1") == 0, "names lower");
	ok(strcmp(head_field(&head, "x-a"), "b c") == 0, "blanks trimmed");
	ok(head_field(&head, "x-two") == NULL, "two of a field are none");
	ok(head_field(&head, "x-no") == NULL, "no field is none");

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(fact, sizeof(fact), "segments of %s", paths[i].path);
		ok(strcmp(segments(paths[i].path), paths[i].segments) == 0,
		    fact);
	}
	memset(text, 'x', sizeof(text));
	text[0] = '/';
	text[HEAD_SEGMENT + 1] = '\0';
	ok(strlen(segments(text)) == HEAD_SEGMENT + 1, "a long segment");
	memcpy(text + HEAD_SEGMENT + 1, "x", 2);
	ok(strcmp(segments(text), "!") == 0, "one that is too long");

	for (int fields = HEAD_FIELDS; fields <= HEAD_FIELDS + 1; fields++) {
		n = (size_t)snprintf(text, sizeof(text), GET H);
		for (int i = 1; i < fields; i++)
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "X-%d: y\r\n", i);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
		snprintf(fact, sizeof(fact), "%d fields", fields);
		got = parse(&head, buf, text, n);
		ok(got == (fields > HEAD_FIELDS ? 431 : 0), fact);
	}
	return done();
}
