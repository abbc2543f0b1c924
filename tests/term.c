/* SPDX-License-Identifier: ISC */
/* Test the terminal: fixtures, torn anywhere, and what must not blow up. */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log/term.h"
#include "tap.h"

#define DATA "tests/data/buildkite/logs/"
#define MIB ((size_t)1 << 20)

/* What came out: the lines as text, and "[ms]" before each if wanted. */
static char *out;
static size_t out_length;
static FILE *stream;
static bool times;
static size_t longest, pieces;
static bool going_on;

static void
line(const char *text, size_t length, int64_t ms, bool ended, void *arg)
{
	(void)arg;
	if (times && !going_on)
		fprintf(stream, "[%lld]", (long long)ms);
	fwrite(text, 1, length, stream);
	if (ended)
		putc('\n', stream);
	going_on = !ended;
	if (length > longest)
		longest = length;
	pieces++;
}

/* Feed a text in steps of so many bytes; out is what comes of it. */
static void
run(const char *text, size_t length, size_t step)
{
	struct term *t = term_new(line, NULL);

	free(out);
	if ((stream = open_memstream(&out, &out_length)) == NULL)
		err(1, NULL);
	longest = pieces = 0;
	going_on = false;
	for (size_t i = 0; i < length; i += step)
		term_feed(t, text + i, length - i < step ? length - i : step);
	term_end(t);
	term_free(t);
	fclose(stream);
}

static bool
same(const char *want, size_t length)
{
	return out_length == length && memcmp(out, want, length) == 0;
}

/* The text gives this, however it is torn. */
static void
gives(const char *want, const char *text, size_t length, const char *fact)
{
	bool good = true;

	for (size_t step = 1; step <= length && good; step++) {
		run(text, length, step);
		good = same(want, strlen(want));
	}
	ok(good, fact);
	if (!good)
		printf("# '%.*s', not '%s'\n", (int)out_length, out, want);
}

#define GIVES(want, text, fact) gives(want, text, sizeof(text) - 1, fact)

static char *
slurp(const char *name, const char *suffix, size_t *length)
{
	static char buffer[2][MIB];
	char *to = buffer[*suffix == 'r'], path[256];
	FILE *f;

	snprintf(path, sizeof(path), DATA "%s.%s", name, suffix);
	if ((f = fopen(path, "re")) == NULL)
		err(1, "%s", path);
	*length = fread(to, 1, MIB, f);
	fclose(f);
	return to;
}

static void
fixtures(void)
{
	static const char *const names[] = { "basic", "drawn", "no-timestamps",
		"progress", "sequences", "torn" };
	static const size_t steps[] = { 1, 2, 3, 7, MIB };
	size_t raw_length, length;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			char *raw = slurp(names[i], "raw", &raw_length);
			char *plain = slurp(names[i], "plain", &length), *fact;

			run(raw, raw_length, steps[j]);
			if (asprintf(&fact, "%s.raw in steps of %zu", names[i],
				steps[j]) == -1)
				err(1, NULL);
			ok(same(plain, length), fact);
			free(fact);
		}
}

static void
sequences(void)
{
	GIVES("ab\n", "a\033[31;1mb\033[m\n", "colours go");
	GIVES("ab", "a\033]8;;https://x.org\033\\b", "a string ended by ST");
	GIVES("ab", "a\033_x\033y\033\033\\b", "an ESC within a string");
	GIVES("a", "a\033_bk;t=17873", "a string cut off by the end");
	GIVES("a", "a\033[31", "a control sequence cut off by the end");
	GIVES("a", "a\033", "an ESC cut off by the end");
	GIVES("ab", "a\033(Bb", "a character set");
	GIVES("ac", "a\033bc", "any other ESC and its byte");
	GIVES("a31\nb", "a\033[31\nb", "a control sequence torn by a newline");
	GIVES("x y\nz", "\033_x y\nz", "a string that its line does not close");
	GIVES("x  y\n", "\033_x \033[1m y\n", "and what is in it goes");
	GIVES("xylink\n", "\033_x\033]y\033[1mlink\n", "one open in another");
	GIVES("$ok\n", "\033Pignored$\a$ok\n", "a device control string");
}

static void
lines(void)
{
	GIVES("a\nb\n", "a\r\nb\r\r\n", "carriage returns before a newline");
	GIVES("50%\n", "10%\r20%\r50%\r\n", "a line drawn over");
	GIVES("done%\n", "100 %\rdone\n", "what was not drawn over stays");
	GIVES("b\n", "a\r\033[Kb\n", "over a carriage return and a sequence");
	GIVES("a\n", "a\r\033[0m\n", "a sequence before the newline");
	GIVES("a", "a\r", "a carriage return before the end");
	GIVES("\n\n", "\n\r\n", "empty lines");
	GIVES("ab\n", "a\0\a\v\f\016\177b\n", "other controls go");
}

static void
cursor(void)
{
	GIVES("9%\n", "8%\b\b9\n", "backspaces");
	GIVES("b\n", "\b\b\bb\n", "backspaces before the first column");
	GIVES("100%)\n", "(0%)\033[4D100%)\n", "to the left");
	GIVES("bba\n", "aaa\033[1000Dbb\n", "to the left, too far");
	GIVES("a c  b\n", "a\033[4Cb\033[4Dc\n", "to the right, and back");
	GIVES("  x\n", "\033[3Gx\n", "to a column");
	GIVES("x\n", "abc\033[2K\033[Gx\n", "to the first, of an erased line");
	GIVES("   x\n", "abc\033[2Kx\n", "an erased line leaves the cursor");
	GIVES("ab\n", "abc\b\033[K\n", "the rest erased");
	GIVES("  c\n", "abc\r\033[C\033[1K\n", "what is before erased");
	GIVES("\n", "abc\033[1K\n", "all of it");
	GIVES("x\n", "abc\r\033[Jx\n", "the rest of the screen erased");
	GIVES("abc\n", "abc\r\033[3K\033[?2K\033[>1G\033[1 G\n",
	    "others' sequences erase nothing");
	GIVES("a1c\n", "a\0337bc\033[5G\03381\n", "saved and restored");
	GIVES("ax      b\n", "a\tb\033[2Gx\n", "a tab is as wide as it is");
	GIVES("abcdefghi\n", "abcdefgh\r\ti\n", "and erases nothing");
	GIVES("\xe6\xbc\xa2x\n", "\xe6\xbc\xa2\xe6\xbc\xa2\b\bx\033[K\n",
	    "a wide character has two columns");
	GIVES(" x\n", "\xe6\xbc\xa2\bx\n", "half of one is none");
	GIVES("\xef\xbf\xbdx\n", "\xe2\x82\033[1G\033[2Gx\n",
	    "moved within a character");
	GIVES("[-1]\n", "[-1]\033[99999999999999999999D\033[4C\n",
	    "a number that is too large");
}

static void
links(void)
{
	GIVES("see the report (https://x.org/1) there\n",
	    "see \033]1339;url='https://x.org/1';content='the report'\a"
	    " there\n",
	    "a link says what it is, and leads somewhere");
	GIVES("https://x.org/?a=1&b\n",
	    "\033]1339;url=https://x.org/?a=1&b\033\\\n", "one without a text");
	GIVES("https://x.org/\n",
	    "\033]1339;url=https://x.org/;content=https://x.org/\a\n",
	    "one that is its own text");
	GIVES("it's; so (u)\n", "\033]1339;content='it\\'s; so';url=\"u\"\a\n",
	    "quotes and backslashes");
	GIVES("a (u)\n", "\033]1338;url=u;alt=a;width=3\a\n", "an image");
	GIVES("\n", "\033]1339;nothing\a\033]1340;url=u\a\n",
	    "and others say nothing");
	GIVES("ab (u)\n", "\033]1339;url=u;content=a\r\b\001b\a\n",
	    "none of its bytes moves the cursor");
}

static void
characters(void)
{
	GIVES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80",
	    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80", "UTF-8 torn anywhere");
	GIVES("\xc3\xa9", "\xc3\033[1m\xa9", "torn by a sequence");
	GIVES("\xc2\x80\xc2\x9b\xc2\x9f", "\xc2\x80\xc2\x9b\xc2\x9f",
	    "C1 controls within UTF-8 stay");
	GIVES("a\xef\xbf\xbd", "a\xff", "a byte that is none");
	GIVES("\xef\xbf\xbd\n", "\xe2\x82\n", "cut off by a newline");
	GIVES("\xef\xbf\xbd", "\xf0\x9f\x9a", "cut off by the end");
	GIVES("\xef\xbf\xbdz", "\xe2\x82z", "cut off by a letter");
	GIVES("\xef\xbf\xbd\xef\xbf\xbd", "\xc0\xaf", "an overlong form");
	GIVES("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "\xed\xa0\x80",
	    "a surrogate");
	GIVES("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	    "\xf4\x90\x80\x80", "beyond the last");
	GIVES("\xef\xbf\xbd\xc3\xa9", "\xe2\x82\xc3\xa9", "one cut by another");
}

static void
marks(void)
{
	times = true;
	GIVES("[-1]a\n[5]b\n[9]c", "a\n\033_bk;t=5\ab\n\033_bk;t=9\ac",
	    "the time of a line is its last mark");
	GIVES("[5]a b\n[7]c\n", "\033_bk;t=5\aa \033_bk;t=7\ab\nc\n",
	    "a mark within a line is for the next");
	GIVES("[17]a\n", "\033_bk;t=5\033\\\033_bk;dt=12\aa\n",
	    "a mark that counts from the last");
	GIVES("[-1]a\n", "\033_bk;dt=12\aa\n", "there being none");
	GIVES("[6]a\n", "\033_bk;x=\\;t=5;t=6;y\aa\n", "among other pairs");
	GIVES("[-1]a\n", "\033_bk;t=99999999999999999999\aa\n",
	    "a time that no date can tell");
	GIVES("[-1]a\n", "\033_other;t=5\aa\n", "another's mark");
	GIVES("[-1]bk;t=3\n[-1]x\n", "\033_bk;t=3\nx\n",
	    "a mark that its line does not close is text");
	times = false;
}

/* A megabyte that looks like the worst is gone through in time. */
static void
megabyte(const char *unit, size_t keeps, const char *fact)
{
	size_t length = strlen(unit);
	char *text = malloc(MIB);
	clock_t begun;

	if (text == NULL)
		err(1, NULL);
	for (size_t i = 0; i < MIB; i++)
		text[i] = unit[i % length];
	begun = clock();
	run(text, MIB, 4096);
	ok(clock() - begun < 5 * CLOCKS_PER_SEC && out_length >= keeps, fact);
	printf("# %zu bytes, %.0f ms\n", out_length,
	    (double)(clock() - begun) * 1000 / CLOCKS_PER_SEC);
	free(text);
}

static void
bounds(void)
{
	char *text = malloc(2 * MIB);

	if (text == NULL)
		err(1, NULL);
	memcpy(text, "\033_", 2);
	memset(text + 2, 'x', MIB);
	run(text, MIB + 2, 1000);
	ok(out_length == MIB, "an ESC _ that is never closed swallows nothing");
	ok(longest == TERM_LINE && pieces == 16, "a line of 1 MiB is 16");

	/* Two bytes a character, and one before them all. */
	text[0] = 'x';
	for (size_t i = 1; i < MIB; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	run(text, MIB + 1, 777);
	ok(same(text, MIB + 1) && longest < TERM_LINE + 1,
	    "a character is not cut where a line is");
	ok(pieces == 17, "nor is one lost");

	memset(text, 'x', TERM_LINE);
	text[TERM_LINE] = '\n';
	run(text, TERM_LINE + 1, 4096);
	ok(pieces == 1, "a line of 64 KiB is whole");
	free(text);

	megabyte("\033_", 0, "a megabyte of ESC _");
	megabyte("\033]\n", MIB / 3, "a megabyte of ESC ] and newline");
	megabyte("\033[1;", MIB / 2 - 4, "a megabyte of ESC [ 1 ;");
	megabyte("\xff", 3 * MIB, "a megabyte of bytes that are none");
	megabyte("a\r", 0, "a megabyte drawn over");
	megabyte("xy\033[1K", 0, "a megabyte of what is before erased");
	megabyte("\033[160Gx\r", 0, "a megabyte of far columns");
	megabyte("\033[160Gx\n", 160 * (MIB / 8), "and of as many lines");
	megabyte("\t\b\b\xe6\xbc\xa2", 0, "a megabyte of torn tabs");
	megabyte("\033]1339;content=x\a", 0, "a megabyte of links");
	megabyte("cc -O2 -c wick.c\r\n", MIB / 2, "a megabyte of log");
}

int
main(void)
{
	fixtures();
	sequences();
	lines();
	cursor();
	links();
	characters();
	marks();
	bounds();
	free(out);
	return done();
}
