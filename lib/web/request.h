/* SPDX-License-Identifier: ISC */
/* A request as the record that filters take. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "web/head.h"

/*
 * Add the record of a request to out, one line, as tack-record(5) has it: its
 * head, and body, of length bytes.  number makes its id, which no record of
 * another process has.
 */
void request_record(struct bytes *out, uint64_t number, const struct head *head,
    const char *body, size_t length);

/*
 * The number of the request that a record's id, a JSON text of length bytes or
 * NULL, is of; 0 if this process did not make it.
 */
uint64_t request_number(const char *id, size_t length);

#endif
