/* SPDX-License-Identifier: ISC */
/* The loop of a filter, the only reader of stdin and writer of stdout. */
#ifndef FLOW_FILTER_H
#define FLOW_FILTER_H

#include <jv.h>

/*
 * A tool's function from record to record.  The record, an object, is given
 * to it; it returns the record to pass on, or jv_invalid_with_msg() to reject
 * it with a reason.  "payload" of a record, where it has one, is held as a
 * string with the JSON text of the member, checked but not parsed.  A record
 * that becomes several is returned as an array of them.
 */
typedef jv filter_fn(jv rec, void *arg);

/*
 * A filter_fn for a tool that takes requests.  "body" of the "request", where
 * it is a string without escapes, is null in the record and lent as it is in
 * the line, without its quotes; else its text is NULL.
 */
struct check_span;
typedef jv filter_request_fn(jv rec, const struct check_span *body, void *arg);

/* What is read at once, and so the most that a batch is, of usual lines. */
#define FILTER_BATCH (256 * 1024)

/* Called before the first record of a batch and after its last. */
typedef void filter_batch_fn(void *arg);

/*
 * Feed stdin's records, one a line, through the function to stdout.  A record
 * with an "outcome" is settled and passes untouched.  A line that is not a
 * JSON object or is longer than 16 MiB, or a record that is rejected, is
 * reported with its number and left out.  A record the function settles as
 * unauthorized, malformed or failed is reported too, by its "id" if it has one,
 * and passed on.
 *
 * All complete lines at hand are one batch; nothing of a batch is written
 * before commit returns.  Returns the exit status: 0, or 1 if some line was
 * rejected.  Exits with EX_IOERR if stdin cannot be read or stdout written.
 */
int filter(filter_fn *fn, void *arg);
int filter_batch(
    filter_fn *fn, filter_batch_fn *begin, filter_batch_fn *commit, void *arg);
int filter_requests(filter_request_fn *fn, filter_batch_fn *begin,
    filter_batch_fn *commit, void *arg);

#endif
