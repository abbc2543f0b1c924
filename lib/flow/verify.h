/* SPDX-License-Identifier: ISC */
/* The function of tack-verify: a webhook's request becomes its payload. */
#ifndef FLOW_VERIFY_H
#define FLOW_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "data/check.h"

/*
 * Makes a verifier for the webhooks of each CI that is configured.  tolerance,
 * in seconds, or TACK_WEBHOOK_TOLERANCE if that is -1, replaces each scheme's
 * own.  Exits with EX_CONFIG when the variable is no number or a CI is
 * configured wrongly.
 */
struct verify *verify_new(int64_t tolerance);

/*
 * Verifies the request of rec; body is as for a filter_request_fn.  If the
 * request is genuine, sets *payload and *length to the bytes of its body, for
 * the caller to free, which are not in the record that is returned; else sets
 * *payload to NULL.
 */
jv verify_request(struct verify *verify, jv rec, const struct check_span *body,
    char **payload, size_t *length);

#endif
