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
 * was asked for, in unix seconds.  Seals of before have neither time nor the
 * NUL in front of it.
 */

/* Makes the seal of what is named, for the caller to free. */
char *seal_make(const char *key, const char *provider, const char *origin,
    const jv *ref, int64_t time);

/*
 * Returns the attempt that text is the seal of, for the workflow that ref
 * names, and when it was made in *time, 0 if it does not say.  Returns 0 if
 * text is not such a seal.
 */
int64_t seal_opens(const char *text, const char *key, const char *provider,
    const char *origin, const jv *ref, int64_t *time);

/*
 * Returns the key, for the caller to free, if TACK_REQUIRE_SEALED_REF is 1:
 * references must be sealed.  Else returns NULL.  Exits with EX_CONFIG if there
 * is no key.
 */
char *seal_required(void);

/*
 * Returns the same for what provider_read() read of a build, with the reference
 * and the seal that it has.
 */
int64_t seal_attempt(const char *key, const char *name,
    const struct provider *provider, const jv *read, int64_t *time);

#endif
