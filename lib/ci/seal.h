/* SPDX-License-Identifier: ISC */
/* The sealed reference, by which a build proves that we asked for it. */
#ifndef CI_SEAL_H
#define CI_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include <jv.h>

#include "ci/provider.h"

/*
 * Is text the seal of these? Form:
 *   tack1.B64URL(knot NUL rkey NUL workflow NUL attempt).B64URL(tag)
 * with tag the first 16 bytes of HMAC-SHA256(key, provider NUL origin NUL
 * the bytes of the first part); base64url without padding.  Any attempt
 * that is a decimal number will do.
 */
bool seal_opens(const char *text, const char *key, const char *provider,
    const char *origin, const char *knot, const char *rkey,
    const char *workflow);

/* The seal of these, for the caller to free. */
char *seal_make(const char *key, const char *provider, const char *origin,
    const char *knot, const char *rkey, const char *workflow, int64_t attempt);

/*
 * The key, for the caller to free, if TACK_REQUIRE_SEALED_REF is 1: references
 * must be sealed.  Else NULL.  Exits with EX_CONFIG if there is none.
 */
char *seal_required(void);

/* Does what provider_read() read have a seal that opens with the key? */
bool seal_proves(const char *key, const char *provider, const struct provider *,
    const jv *read);

#endif
