/* SPDX-License-Identifier: ISC */
/* Take a build's log from its CI into what is kept of it. */
#ifndef LOG_TAKE_H
#define LOG_TAKE_H

#include <stdbool.h>

#include <jv.h>

#include "ci/call.h"
#include "log/keep.h"
#include "log/mask.h"

/* What is taken, from where, to where. */
struct take;

/*
 * All three stay the caller's, and are in use until take_free.  The caller
 * holds the lock of keep, and has read it.
 */
struct take *take_new(struct call *call, struct keep *keep, struct mask *mask);

/*
 * Ask the CI once for its steps, and for all that is new of each one's bytes,
 * and write that into keep.  build, lent, is the CI's as call.jq takes it.
 * news says whether there was anything new.  Returns an empty object, or as
 * call_ask does what went wrong, after which what came before it is kept.
 */
jv take_news(struct take *take, const jv *build, bool *news);

/* Bytes that might yet become a secret are dropped, to be asked for again. */
void take_free(struct take *take);

#endif
