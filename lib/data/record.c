/* SPDX-License-Identifier: ISC */
/* The outcome of a record, which settles it. */
#include <string.h>

#include "data/json.h"
#include "data/record.h"

static const struct {
	const char *word;
	int status;
} outcomes[] = {
	[RECORD_OPEN] = { "", 0 },
	[RECORD_PUBLISHED] = { "published", 200 },
	[RECORD_DUPLICATE] = { "duplicate", 200 },
	[RECORD_STALE] = { "stale", 200 },
	[RECORD_FOREIGN] = { "foreign", 200 },
	[RECORD_IGNORED] = { "ignored", 200 },
	[RECORD_UNAUTHORIZED] = { "unauthorized", 401 },
	[RECORD_MALFORMED] = { "malformed", 400 },
	[RECORD_FAILED] = { "failed", 422 },
	[RECORD_DEFERRED] = { "deferred", 503 },
};

jv
record_settle(jv rec, enum record_outcome outcome, const char *reason)
{
	rec = json_drop(json_drop(rec, "request"), "payload");
	rec = json_set_str(rec, "outcome", outcomes[outcome].word);
	return reason == NULL ? rec : json_set_str(rec, "reason", reason);
}

enum record_outcome
record_outcome(const jv *rec)
{
	const char *word = json_str(rec, "outcome");

	return word == NULL ? RECORD_OPEN : record_named(word, strlen(word));
}

enum record_outcome
record_named(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (strlen(outcomes[i].word) == length &&
		    memcmp(outcomes[i].word, word, length) == 0)
			return (enum record_outcome)i;
	return RECORD_OPEN;
}

int
record_http_status(enum record_outcome outcome)
{
	return outcomes[outcome].status;
}
