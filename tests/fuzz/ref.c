/* SPDX-License-Identifier: ISC */
/* Fuzz the payload's reference, the at-uri made of it, and the seal. */
#include <stdlib.h>
#include <string.h>

#include "ci/provider.h"
#include "ci/seal.h"
#include "data/check.h"
#include "data/json.h"
#include "store/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *
printable(const jv *ref, const char *name)
{
	const char *text = json_str(ref, name);

	if (text == NULL || *text == '\0')
		abort();
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == '\177')
			abort();
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char scheme[] = "at://did:web:";
	static struct provider *p;
	const char *payload = (const char *)data, *seal, *uri, *rest;
	jv read, claim, ref, build;
	char *text;
	ssize_t wrong;
	int64_t time;

	if (p == NULL) {
		setenv("TACK_SHARE", "share", 0);
		if ((p = provider_load("buildkite")) == NULL)
			abort();
	}
	/* A text that is no payload is tried as a seal. */
	if (check_json(payload, size, NULL, 0) != -1) {
		if ((text = strndup(payload, size)) == NULL)
			abort();
		ref = ref_new("k", "r", "w", 1);
		if (seal_opens(text, "key", "p", "o", &ref, &time) != 0)
			abort();
		jv_free(ref);
		free(text);
		return 0;
	}
	read = provider_read(p, payload, size);
	claim = json_get(&read, "ref");
	if (jv_is_valid(claim)) {
		const char *knot = printable(&claim, "knot");
		const char *rkey = printable(&claim, "pipeline_rkey");

		ref = ref_new(knot, rkey, printable(&claim, "workflow"), 1);
		uri = json_str(&ref, "pipeline_uri");
		if (!ref_whole(&ref) || ref_attempt(&ref) != 1 ||
		    strncmp(uri, scheme, strlen(scheme)) != 0 ||
		    strncmp(uri += strlen(scheme), knot, strlen(knot)) != 0)
			abort();
		rest = uri + strlen(knot);
		if (strncmp(rest, "/sh.tangled.pipeline/", 21) != 0 ||
		    strcmp(rest + 21, rkey) != 0)
			abort();
		if ((seal = json_str(&read, "seal")) != NULL &&
		    seal_opens(seal, "key", "p", "o", &claim, &time) != 0)
			abort();
		jv_free(ref);
	}
	build = json_get(&read, "build");
	text = provider_origin(p, &build);
	free(text);
	jv_free(build);
	jv_free(claim);
	jv_free(read);
	free(provider_event(p, payload, size, &wrong));
	return 0;
}
