/* SPDX-License-Identifier: ISC */
/* The outcome of a record, which settles it (tack-record(5)). */
#ifndef DATA_RECORD_H
#define DATA_RECORD_H

#include <stddef.h>

#include <jv.h>

enum record_outcome {
	RECORD_OPEN, /* the record has no outcome, or an unknown one */
	RECORD_PUBLISHED,
	RECORD_DUPLICATE, /* nothing new */
	RECORD_STALE, /* older than what is known */
	RECORD_FOREIGN, /* not our build */
	RECORD_IGNORED, /* means nothing to us */
	RECORD_UNAUTHORIZED,
	RECORD_MALFORMED,
	RECORD_FAILED, /* for good */
	RECORD_DEFERRED /* to be tried again */
};

/*
 * Settle rec: set "outcome" and, unless reason is NULL, "reason", and remove
 * "request" and "payload".
 */
jv record_settle(jv rec, enum record_outcome outcome, const char *reason);

/* Return the outcome of rec. */
enum record_outcome record_outcome(const jv *rec);

/* Return the outcome whose word has this text and length. */
enum record_outcome record_named(const char *word, size_t length);

/* Return the HTTP status of the outcome; 0 for RECORD_OPEN. */
int record_http_status(enum record_outcome outcome);

#endif
