/* SPDX-License-Identifier: ISC */
/* The sealed reference, by which a build proves that we asked for it. */
#ifndef CI_SEAL_H
#define CI_SEAL_H

#include <stdint.h>

#include <jv.h>

#include "ci/provider.h"

/*
 * A seal is
 *   tack1.B64URL(knot NUL rkey NUL workflow NUL attempt NUL time).B64URL(tag)
 * with tag the first 16 bytes of HMAC-SHA256(key, provider NUL origin NUL the
 * bytes of the first part); base64url without padding.  time is when the build
 * was asked for, in unix seconds.  Older seals have neither time nor the NUL in
 * front of it.
 */

/* Makes the seal of ref and its attempt, for the caller to free. */
char *seal_make(const char *key, const char *provider, const char *origin,
    const jv *ref, int64_t time);

/*
 * Returns the attempt for which text is a seal, if that is a seal for the
 * workflow that ref names; else returns 0.  Sets *time to the time in the seal,
 * 0 if it has none.
 */
int64_t seal_opens(const char *text, const char *key, const char *provider,
    const char *origin, const jv *ref, int64_t *time);

/*
 * Returns the key of the seals, for the caller to free, if references must be
 * sealed: TACK_REQUIRE_SEALED_REF is 1.  Returns NULL if they need not be.
 * Exits with EX_CONFIG if they must and there is no key.
 */
char *seal_required(void);

/*
 * Calls seal_opens() with the reference and the seal in read, which is what
 * provider_read() returned.  name is the provider's.
 */
int64_t seal_attempt(const char *key, const char *name,
    const struct provider *provider, const jv *read, int64_t *time);

#endif
