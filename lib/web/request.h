/* SPDX-License-Identifier: ISC */
/* A request as the record that filters take. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "web/head.h"

/*
 * Add a request's record, one line, as tack-record(5) has it.  The number
 * makes its id, which no other process's is like.
 */
void request_record(struct bytes *, uint64_t number, const struct head *,
    const char *body, size_t length);

/* The number of a record's id, a JSON text or NULL; 0 if it is not ours. */
uint64_t request_number(const char *id, size_t length);

#endif
