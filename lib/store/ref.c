/* SPDX-License-Identifier: ISC */
/* A reference: which workflow of which pipeline, and its attempt. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/json.h"
#include "store/ref.h"

jv
ref_new(
    const char *knot, const char *rkey, const char *workflow, int64_t attempt)
{
	jv ref = jv_object();
	char *uri;

	uri = xasprintf("at://did:web:%s/sh.tangled.pipeline/%s", knot, rkey);
	ref = json_set_str(ref, "knot", knot);
	ref = json_set_str(ref, "pipeline_rkey", rkey);
	ref = json_set_str(ref, "workflow", workflow);
	ref = json_set_str(ref, "pipeline_uri", uri);
	free(uri);
	return json_set(ref, "attempt", jv_number((double)attempt));
}

bool
ref_whole(const jv *ref)
{
	return json_str(ref, "knot") != NULL &&
	    json_str(ref, "pipeline_rkey") != NULL &&
	    json_str(ref, "workflow") != NULL &&
	    json_str(ref, "pipeline_uri") != NULL;
}

bool
ref_same(const jv *a, const jv *b)
{
	static const char *const members[] = { "knot", "pipeline_rkey",
		"workflow" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *x = json_str(a, members[i]);
		const char *y = json_str(b, members[i]);

		if (x == NULL || y == NULL || strcmp(x, y) != 0)
			return false;
	}
	return true;
}

int64_t
ref_attempt(const jv *ref)
{
	int64_t attempt = json_int(ref, "attempt", 1);

	return attempt < 1 ? 1 : attempt;
}

void
ref_bind(struct query *q, const jv *ref)
{
	db_bind(q, ":knot", json_str(ref, "knot"));
	db_bind(q, ":rkey", json_str(ref, "pipeline_rkey"));
	db_bind(q, ":workflow", json_str(ref, "workflow"));
}
