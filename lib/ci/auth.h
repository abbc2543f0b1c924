/* SPDX-License-Identifier: ISC */
/* Who says so? Verification of a webhook, by data. */
#ifndef CI_AUTH_H
#define CI_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include <jv.h>

/*
 * One scheme of provider.json's "auth" (tack-provider(5)) with its live
 * secrets, one a line of the text, any of which may verify.  scheme is given
 * and freed; what is wrong with it exits with EX_CONFIG, naming where.
 */
struct auth;
struct auth *auth_new(jv scheme, const char *where, const char *secrets);

/*
 * Verify a request: headers, an object of lower-case names, lent; its raw
 * body; the time of receipt in unix seconds.  tolerance in seconds replaces
 * the scheme's own unless negative, 0 switches the clock off.  Returns NULL
 * if the request is genuine and fresh, else a constant reason that repeats
 * nothing of the request.
 */
const char *auth_verify(const struct auth *, const jv *headers,
    const unsigned char *body, size_t length, int64_t at, int64_t tolerance);

/* Are the bytes equal? In time that depends on the length alone. */
int auth_equal(const void *, const void *, size_t);

#endif
