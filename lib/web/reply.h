/* SPDX-License-Identifier: ISC */
/* The head of an HTTP/1.1 reply. */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include <sys/types.h>

#include "base/bytes.h"

/*
 * Add the head of a reply with fields, each ended by CR LF; the body's length
 * is -1 if fields, or the end, tell it.  connection is the field of that name,
 * NULL for none.
 */
void reply_head(struct bytes *, int status, const char *fields, ssize_t length,
    const char *connection);

#endif
