/* SPDX-License-Identifier: ISC */
/* The head of an HTTP/1.1 reply. */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include <sys/types.h>

#include "base/bytes.h"

/*
 * Add the head of a reply to out: its status; fields, each of which CR LF ends;
 * Content-Length with length, that of the body, unless it is -1, because fields
 * or the end of the connection tell it; and Connection with connection, unless
 * that is NULL.
 */
void reply_head(struct bytes *out, int status, const char *fields,
    ssize_t length, const char *connection);

#endif
