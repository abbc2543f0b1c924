/* SPDX-License-Identifier: ISC */
/* Test timestamp identifiers against published vectors. */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/json.h"
#include "data/tid.h"
#include "tap.h"

/* The file at $DATA or, from the top of the checkout, tests/data. */
static jv
data(const char *name)
{
	const char *dir = getenv("DATA");
	char path[4096], text[65536];
	size_t length;
	FILE *fp;

	snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : "tests/data",
	    name);
	if ((fp = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	length = fread(text, 1, sizeof(text), fp);
	fclose(fp);
	return json_parse(text, length);
}

static int64_t
integer(const jv *v, const char *name)
{
	jv member = json_get(v, name);
	char *word = json_word(&member);
	int64_t n = strtoll(word, NULL, 10);

	free(word);
	jv_free(member);
	return n;
}

static void
vector(jv v, void *arg)
{
	const char *want = json_str(&v, "tid");
	char text[TID_LENGTH + 1], fact[64];

	(void)arg;
	tid_make(
	    text, integer(&v, "micros"), (unsigned)integer(&v, "clock_id"));
	snprintf(fact, sizeof(fact), "%s is made", want);
	ok(strcmp(text, want) == 0, fact);
	snprintf(fact, sizeof(fact), "%s is valid", want);
	ok(tid_valid(want), fact);
	jv_free(v);
}

static void
invalid(jv v, void *arg)
{
	char *text = json_word(&v), fact[64];

	(void)arg;
	snprintf(fact, sizeof(fact), "'%s' is not valid", text);
	ok(!tid_valid(text), fact);
	free(text);
	jv_free(v);
}

int
main(void)
{
	char text[TID_LENGTH + 1], last[TID_LENGTH + 1];
	bool rising = true;
	jv v;

	v = data("tid_vectors.json");
	json_each(&v, vector, NULL);
	jv_free(v);
	v = data("tid_invalid.json");
	json_each(&v, invalid, NULL);
	jv_free(v);
	ok(tap_count == 21, "all vectors were seen");

	ok(tid_valid("jzzzzzzzzzzzz"), "the greatest TID is valid");
	ok(!tid_valid("3mtj73ais6k2\n"), "a line end is not valid");
	ok(!tid_valid("3mtj73ais6k2"), "12 characters are not valid");

	tid_make(last, 1787227200000000, 7);
	for (int64_t i = 1; i < 100000; i++) {
		tid_make(text, 1787227200000000 + i * 997, 7);
		rising = rising && strcmp(last, text) < 0;
		memcpy(last, text, sizeof(last));
	}
	ok(rising, "TIDs sort as their times do");

	return done();
}
