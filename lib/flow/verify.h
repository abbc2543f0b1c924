/* SPDX-License-Identifier: ISC */
/* The function of tack-verify: a webhook's request becomes its payload. */
#ifndef FLOW_VERIFY_H
#define FLOW_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "data/check.h"

/*
 * Ready for the webhooks of each CI that is configured.  The tolerance in
 * seconds or, for -1, TACK_WEBHOOK_TOLERANCE replaces each scheme's own.  Exits
 * with EX_CONFIG when the variable is no number or a CI is configured wrongly.
 */
struct verify *verify_new(int64_t tolerance);

/*
 * Verify the request of a record, as a filter_request_fn is called.  Where that
 * is genuine, payload is the bytes of its body for the caller to free, which
 * are the record's "payload" and not in it; else NULL.
 */
jv verify_request(struct verify *verify, jv rec, const struct check_span *body,
    char **payload, size_t *length);

#endif
