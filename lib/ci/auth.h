/* SPDX-License-Identifier: ISC */
/* The check of a webhook's signature or token, as provider.json describes it.
 */
#ifndef CI_AUTH_H
#define CI_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include <jv.h>

#include "base/secret.h"

/*
 * Makes a verifier of scheme, a member of provider.json's "auth"
 * (tack-provider(5)), which is given.  secrets are its live secrets, any of
 * which may verify.  Exits with EX_CONFIG, naming where, if the scheme or a
 * secret is wrong.
 */
struct auth;
struct auth *
auth_new(jv scheme, const char *where, const struct secret_list *secrets);

/*
 * Verifies a request: headers is an object of lower-case names, body is raw, at
 * is the time of receipt in unix seconds.  tolerance, in seconds, replaces the
 * scheme's own unless it is negative; 0 switches the clock off.  Returns NULL
 * if the request is genuine and fresh, else a constant reason that repeats
 * nothing of the request.
 */
const char *auth_verify(const struct auth *auth, const jv *headers,
    const unsigned char *body, size_t length, int64_t at, int64_t tolerance);

#endif
