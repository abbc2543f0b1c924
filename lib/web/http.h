/* SPDX-License-Identifier: ISC */
/* The client's side of HTTP: one request and its answer, by libcurl. */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include <jv.h>

#define HTTP_BODY (32 << 20) /* the most bytes of an answer's body */

/*
 * The answer to a request.  status is 0 if there is none: then error says why,
 * and sent whether the request may have arrived nevertheless.  headers is an
 * object of lower-case names; body ends with a NUL that length does not count.
 */
struct http_answer {
	int status;
	jv headers;
	char *body;
	size_t length;
	bool sent;
	char error[256];
};

/*
 * Send a request and wait for the whole answer, 30 seconds at most: https,
 * or http where the URL says so; no redirect is followed.  headers are lines
 * "Name: value", ended by NULL; body may be NULL.  A request other than GET
 * and HEAD is never repeated by itself.  answer is for http_free().  Exits
 * with EX_OSERR for want of memory.
 */
void http_send(const char *method, const char *url, const char *const headers[],
    const char *body, struct http_answer *answer);
void http_free(struct http_answer *answer);

#endif
