/* SPDX-License-Identifier: ISC */
/* The head of an HTTP/1.1 reply. */
#ifndef REPLY_H
#define REPLY_H

#include <stddef.h>

#include "bytes.h"

/* Add the head of a reply of that length, with fields, each ended by CR LF. */
void reply_head(struct bytes *, int status, const char *fields, size_t length);

#endif
