/* SPDX-License-Identifier: ISC */
/* Test the masks: each form of a secret, torn anywhere, and nothing else. */

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log/mask.h"
#include "tap.h"

#define SECRET "hunter2 \xff\xfe\xfd~~~?"

static char *out;
static size_t out_length;

static void
run(struct mask *m, const char *text, size_t length, size_t step, bool same)
{
	struct mask_stream *s = mask_stream_new(m, same);
	FILE *to;

	free(out);
	if ((to = open_memstream(&out, &out_length)) == NULL)
		err(1, NULL);
	for (size_t i = 0; i < length; i += step)
		mask_feed(
		    s, text + i, length - i < step ? length - i : step, to);
	mask_end(s, to);
	fclose(to);
	mask_stream_free(s);
}

/* The text gives this, however it is torn. */
static void
gives(struct mask *m, const char *want, const char *text, const char *fact)
{
	size_t length = strlen(text);
	bool good = true;

	for (size_t step = 1; step <= length && good; step++) {
		run(m, text, length, step, false);
		good = strcmp(out, want) == 0;
	}
	ok(good, fact);
	if (!good)
		printf("# '%s', not '%s'\n", out, want);
}

/* A set of the secrets, up to a NULL. */
static struct mask *
set(const char *const *secrets)
{
	struct mask *m = mask_new();

	for (; *secrets != NULL; secrets++)
		mask_add(m, *secrets, strlen(*secrets));
	return m;
}
#define SET(...) set((const char *const[]){ __VA_ARGS__, NULL })

static void
plain(void)
{
	struct mask *m = SET("hunter2");

	gives(m, "hunter1 *** hunter", "hunter1 hunter2 hunter", "a secret");
	gives(m, "***", "hunter2hunter2", "two are one");
	gives(m, "hunterhunt***", "hunterhunthunter2", "after its beginning");
	gives(m, "HUNTER2", "HUNTER2", "case counts");
	mask_free(m);

	m = SET("abcd", "abcdefgh", "ghij", "xbcdey");
	gives(m, "***!", "abcdefgh!", "the longer of two");
	gives(m, "***efgi", "abcdefgi", "the shorter where it is not");
	gives(m, "<***>", "<abcdefghij>", "one that overlaps another");
	gives(m, "xbcdez", "xbcdez", "what only begins like one");
	gives(m, "x***ez", "xabcdez", "one within what begins like another");
	mask_free(m);

	m = SET("aaaa");
	gives(m, "aaab***", "aaabaaaaaaaaa", "one that overlaps itself");
	mask_free(m);

	m = mask_new();
	ok(!mask_add(m, "abc", 3) && mask_add(m, "abcd", 4),
	    "three characters are too few");
	gives(m, "abc ***", "abc abcd", "and are not masked");
	mask_free(m);
	m = mask_new();
	gives(m, "abc", "abc", "no secret");
	mask_free(m);
}

/* Each occurrence of each secret, looked for one by one. */
static void
slowly(const char *text, size_t length, const char *const *secrets, char *want)
{
	char hit[64] = { 0 };
	bool was = false;

	for (; *secrets != NULL; secrets++)
		for (size_t i = 0, n = strlen(*secrets); i + n <= length; i++)
			if (memcmp(text + i, *secrets, n) == 0)
				memset(hit + i, 1, n);
	for (size_t i = 0; i < length; was = hit[i++])
		if (!hit[i])
			*want++ = text[i];
		else if (!was)
			want = stpcpy(want, "***");
	*want = '\0';
}

/* Of two letters, so that everything overlaps everything. */
static void
random_texts(void)
{
	const char *secrets[6] = { NULL };
	char text[64], want[256], secret[5][8] = { 0 };
	size_t length, wrong = 0;
	struct mask *m;

	srandom(1);
	for (int i = 0; i < 5000; i++) {
		for (size_t j = 0; j < 5; j++) {
			length = 4 + (size_t)random() % 4;
			for (size_t k = 0; k < length; k++)
				secret[j][k] = random() % 2 ? 'a' : 'b';
			secret[j][length] = '\0';
			secrets[j] = secret[j];
		}
		secrets[random() % 6] = NULL;
		length = (size_t)random() % sizeof(text);
		for (size_t k = 0; k < length; k++)
			text[k] = random() % 8 ? random() % 2 ? 'a' : 'b' : '-';
		m = set(secrets);
		run(m, text, length, 1 + (size_t)random() % 9, false);
		slowly(text, length, secrets, want);
		wrong += strcmp(out, want) != 0;
		mask_free(m);
	}
	ok(wrong == 0, "random texts, as by looking for one secret at a time");
	printf("# %zu wrong\n", wrong);
}

/* By the book, not as lib/log/mask.c does it. */
static char *
base64(const char *text, size_t length, const char *last, bool pad)
{
	char alphabet[65], *to = calloc(1, length * 2 + 8), *p = to;
	unsigned bits = 0, have = 0;

	if (to == NULL)
		err(1, NULL);
	snprintf(alphabet, sizeof(alphabet),
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%s",
	    last);
	for (size_t i = 0; i < length; i++) {
		bits = bits << 8 | (unsigned char)text[i];
		for (have += 8; have >= 6; have -= 6)
			*p++ = alphabet[bits >> (have - 6) & 63];
	}
	if (have > 0)
		*p++ = alphabet[bits << (6 - have) & 63];
	while (pad && (p - to) % 4 != 0)
		*p++ = '=';
	return to;
}

/*
 * In base64 with this before and that after it, nothing is left to read but
 * bits of the characters at its edges that its neighbours share.
 */
static bool
hidden(struct mask *m, const char *before, const char *after, const char *last,
    bool pad)
{
	char text[256], *form;
	size_t first = strlen(before), length, head, tail;
	bool good = true;

	snprintf(text, sizeof(text), "%s%s%s", before, SECRET, after);
	length = strlen(text);
	form = base64(text, length, last, pad);
	for (size_t step = 1; step <= strlen(form) && good; step++) {
		run(m, form, strlen(form), step, false);
		head = (first * 8 + 5) / 6;
		tail = *after == '\0' ?
		    0 :
		    strlen(form) - (first + strlen(SECRET)) * 8 / 6;
		good = out_length == head + 3 + tail &&
		    memcmp(out, form, head) == 0 &&
		    memcmp(out + head, "***", 3) == 0 &&
		    strcmp(out + head + 3, form + strlen(form) - tail) == 0;
	}
	if (!good)
		printf("# %s became %s\n", form, out);
	free(form);
	return good;
}

static void
encoded(void)
{
	static const char *const before[] = { "", "u", "u:", "u:p" };
	static const char *const after[] = { "", "x", "xy", "xyz" };
	static const char *const last[] = { "+/", "-_" };
	struct mask *m = SET(SECRET);

	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 2; j++) {
			bool good = true;
			char *fact;

			for (size_t k = 0; k < 4; k++)
				good = hidden(m, before[i], after[k], last[j],
					   true) &&
				    hidden(m, before[i], after[k], last[j],
					false) &&
				    good;
			if (asprintf(&fact, "in base64 with %s after \"%s\"",
				last[j], before[i]) == -1)
				err(1, NULL);
			ok(good, fact);
			free(fact);
		}
	mask_free(m);
}

static void
same_length(void)
{
	struct mask *m = SET("hunter2", "abcd");
	struct mask_stream *s = mask_stream_new(m, true);
	FILE *to;

	run(m, "x hunter2abcd y", 15, 1, true);
	ok(out_length == 15 && memcmp(out, "x ***\0\0\0\0\0\0\0\0 y", 15) == 0,
	    "filled up to its own length");
	free(out);
	if ((to = open_memstream(&out, &out_length)) == NULL)
		err(1, NULL);
	mask_feed(s, "a hunt", 6, to);
	fflush(to);
	ok(mask_holds(s) == 4 && out_length == 2, "a beginning is held back");
	mask_feed(s, "s", 1, to);
	fflush(to);
	ok(mask_holds(s) == 0 && strcmp(out, "a hunts") == 0,
	    "until it is none");
	mask_feed(s, " hunt", 5, to);
	mask_end(s, to);
	fclose(to);
	ok(strcmp(out, "a hunts hunt") == 0, "or the stream ends");
	mask_stream_free(s);
	mask_free(m);
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (f == NULL || fputs(text, f) == EOF || fchmod(fileno(f), 0600) ||
	    fclose(f) == EOF)
		err(1, "%s", path);
}

static void
held(void)
{
	char directory[] = "/tmp/tack.XXXXXX", *path;
	struct mask *m;

	if (mkdtemp(directory) == NULL || chdir(directory) == -1)
		err(1, "%s", directory);
	put("token", "in-a-file\n");
	put("secrets", "\357\273\277the-old-one\nthe-new-one\r\n");
	put("mask", "a line\n\nanother\r\nxyz\n");
	put("tack_other_token", "credential\n");
	if (asprintf(&path, "%s/token", directory) == -1)
		err(1, NULL);
	clearenv();
	setenv("TACK_SOME_TOKEN_FILE", path, 1);
	setenv("TACK_PLAIN_TOKEN", "in-the-open", 1);
	setenv("TACK_HOOK_SECRET_FILE", "secrets", 1);
	setenv("TACK_SIGN_KEY", "-----BEGIN-----\nMC4CAQAwBQYDK2Vw\n", 1);
	setenv("TACK_DB_PATH", "no secret", 1);
	setenv("TACK_MASK_FILE", "mask", 1);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	m = mask_new();
	mask_environment(m);
	gives(m, "*** *** ***", "in-a-file in-the-open credential",
	    "the secrets that tack holds");
	gives(m, "*** ***", "a line another", "the lines of TACK_MASK_FILE");
	gives(m, "*** ***", "the-old-one the-new-one",
	    "each line of a secret's file");
	gives(m, "*** ***", "MC4CAQAwBQYDK2Vw TUM0Q0FRQXdCUVlESzJWdw==",
	    "each line of a secret of several, and in base64");
	gives(m, "xyz no secret", "xyz no secret", "and no others");
	mask_free(m);
	free(path);
	unlink("token");
	unlink("secrets");
	unlink("mask");
	unlink("tack_other_token");
	rmdir(directory);
}

/* Sixteen megabytes that keep the machine busy. */
static void
speed(const char *unit, const char *fact)
{
	size_t length = (size_t)16 << 20, n = strlen(unit);
	struct mask *m = SET("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
	    "bkua_0123456789abcdef0123456789abcdef01234567");
	char *text = malloc(length);
	clock_t begun;

	if (text == NULL)
		err(1, NULL);
	for (size_t i = 0; i < length; i++)
		text[i] = unit[i % n];
	begun = clock();
	run(m, text, length, 65536, true);
	begun = clock() - begun;
	ok(out_length == length && begun < 20 * CLOCKS_PER_SEC, fact);
	printf("# %.0f MB/s\n", 16 / ((double)(begun + 1) / CLOCKS_PER_SEC));
	free(text);
	mask_free(m);
}

int
main(void)
{
	plain();
	random_texts();
	encoded();
	same_length();
	held();
	speed("cc -O2 -c wick.c\n", "a log of 16 MiB");
	speed("a", "a log that begins like a secret all the time");
	free(out);
	return done();
}
