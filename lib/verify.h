/* SPDX-License-Identifier: ISC */
/* The function of tack-verify: a webhook's request becomes its payload. */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdint.h>

#include <jv.h>

/*
 * Ready for the webhooks of each CI that is configured; a tolerance in
 * seconds replaces each scheme's own unless negative.  Exits with EX_CONFIG
 * when a CI is configured wrongly.
 */
struct verify *verify_new(int64_t tolerance);

/* A filter_fn; its argument is a struct verify. */
jv verify_record(jv, void *);

#endif
