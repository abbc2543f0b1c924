/* SPDX-License-Identifier: ISC */
/* A request as the record that filters take. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "web/head.h"

/*
 * Add the record of a request to out, one line, as tack-record(5) has it, from
 * its head, and its body of length bytes.  The record's id holds number, and is
 * unlike that of every record of another process.
 */
void request_record(struct bytes *out, uint64_t number, const struct head *head,
    const char *body, size_t length);

/*
 * Return the number in a record's id, a JSON text of length bytes or NULL; 0 if
 * this process did not make the id.
 */
uint64_t request_number(const char *id, size_t length);

#endif
