/* SPDX-License-Identifier: ISC */
/* Taking a build's log from its CI into the copy that is kept. */
#ifndef LOG_TAKE_H
#define LOG_TAKE_H

#include <stdbool.h>

#include <jv.h>

#include "ci/call.h"
#include "log/keep.h"
#include "log/mask.h"

struct take;

/*
 * The three arguments stay the caller's, and are in use until take_free().  The
 * caller has called keep_lock() and keep_read().
 */
struct take *take_new(struct call *call, struct keep *keep, struct mask *mask);

/*
 * Ask the CI once for the steps of build and for the new bytes of each, and
 * write them into keep.  build is as call.jq takes it.  Sets *news to whether
 * anything was new.  Returns an empty object or, as call_ask(), an answer that
 * did not go well; what came before that is kept.
 */
jv take_news(struct take *take, const jv *build, bool *news);

/*
 * Free take.  Bytes that may be the beginning of a secret are dropped, and
 * asked for again the next time.
 */
void take_free(struct take *take);

#endif
