/* SPDX-License-Identifier: ISC */
/* Test JSON: the check, what it finds and costs, and all that touches a jv. */

#include <err.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "data/check.h"
#include "data/json.h"
#include "data/print.h"
#include "tap.h"

#define MIB ((size_t)1 << 20)

/* Is the check of a text wrong (or not, -1) where it should be? */
static void
at(ssize_t want, const char *text, const char *fact)
{
	ssize_t got = check_json(text, strlen(text), NULL, 0);

	ok(got == want, fact);
	if (got != want)
		printf("# at %zd, not %zd: %s\n", got, want, text);
}

/* Is what stands at the path the value, or NULL for nothing? */
static void
finds(const char *value, const char *text, const char *const *path,
    const char *fact)
{
	struct check_want want = { path, { "x", 1 } };
	const char *got;
	bool good;

	check_json(text, strlen(text), &want, 1);
	got = want.value.text;
	good = value == NULL ?
	    got == NULL :
	    got != NULL && want.value.length == strlen(value) &&
		memcmp(got, value, strlen(value)) == 0;
	ok(good, fact);
	if (!good)
		printf("# '%.*s' in %s\n", (int)want.value.length,
		    got != NULL ? got : "", text);
}

static jv
parse(const char *text)
{
	return json_parse(text, strlen(text));
}

static void
word(const char *want, const char *text, const char *fact)
{
	jv v = parse(text);
	char *got = json_word(&v);

	ok(want == NULL ? got == NULL : got != NULL && strcmp(got, want) == 0,
	    fact);
	free(got);
	jv_free(v);
}

/* The text of a value given away. */
static bool
prints_as(const char *want, jv v)
{
	char *got = print_text(v);
	bool good = strcmp(got, want) == 0;

	if (!good)
		printf("# %s, not %s\n", got, want);
	free(got);
	return good;
}

static void
prints(const char *want, const char *text, const char *fact)
{
	struct bytes got = { NULL, 0, 0 };

	print_safe(&got, text, strlen(text));
	bytes_add(&got, "", 1);
	ok(strcmp(got.text, want) == 0, fact);
	if (strcmp(got.text, want) != 0)
		printf("# %s\n", got.text);
	bytes_free(&got);
}

/* A mebibyte of a unit over and over, between a head and a tail. */
static char *
repeat(const char *head, const char *unit, const char *tail)
{
	size_t n = strlen(unit), rest = strlen(tail);
	char *text = malloc(MIB + 1), *p;

	if (text == NULL)
		err(1, NULL);
	p = stpcpy(text, head);
	while (p + n + rest <= text + MIB)
		p = stpcpy(p, unit);
	strcpy(p, tail);
	return text;
}

/* Write more than stdout buffers where there is no room; the exit status. */
static int
print_full(void)
{
	char *text = repeat("\"", "a", "\"");
	pid_t pid;
	int status;

	fflush(stdout);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		freopen("/dev/null", "w", stderr);
		if (freopen("/dev/full", "w", stdout) == NULL)
			_exit(1);
		print_line(stdout, json_parse(text, strlen(text)));
		_exit(0);
	}
	free(text);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
	    WEXITSTATUS(status) :
	    -1;
}

static void
sum(jv v, void *arg)
{
	char *n = json_word(&v);

	*(long *)arg += strtol(n, NULL, 10);
	free(n);
	jv_free(v);
}

static double
seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

/* Look for as much as can be looked for, then parse what is JSON. */
static void
check_and_parse(const char *text, bool parsed)
{
	static const char *const names[CHECK_WANTS] = { "", "a", "b", "key" };
	const char *paths[CHECK_WANTS][2];
	struct check_want want[CHECK_WANTS];

	for (size_t i = 0; i < CHECK_WANTS; i++) {
		paths[i][0] = names[i] != NULL ? names[i] : "a rare name";
		paths[i][1] = NULL;
		want[i].path = paths[i];
	}
	if (check_json(text, strlen(text), want, CHECK_WANTS) == -1 && parsed)
		jv_free(json_parse(text, strlen(text)));
}

/* Seconds that libjq takes for 1 MiB of zeros: 150 ms, where it is quiet. */
static double zeros;

static void
measure_zeros(void)
{
	char *text = repeat("[0", ",0", "]");
	clock_t from = clock();

	jv_free(json_parse(text, strlen(text)));
	zeros = (double)(clock() - from) / CLOCKS_PER_SEC;
	printf("# P10: the floor, libjq on 1 MiB of zeros: %.1f ms CPU\n",
	    zeros * 1e3);
	free(text);
}

/*
 * Is a text checked, and parsed too, in 16 MiB and no more than 150 ms, or
 * twice the floor where the machine is busy?
 */
static bool
costs(const char *name, const char *text, bool parsed)
{
	struct rusage usage;
	double cpu;
	pid_t pid;
	int status;

	fflush(stdout);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		check_and_parse(text, parsed);
		_exit(0);
	}
	if (wait4(pid, &status, 0, &usage) == -1)
		err(1, "wait4");
	cpu = seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
	printf("# P10: %s, checked%s: %.1f ms CPU, %.1f MiB resident\n", name,
	    parsed ? " and parsed" : "", cpu * 1e3,
	    (double)usage.ru_maxrss / 1024);
	return status == 0 &&
	    (getenv("TACK_SANITIZE") != NULL ||
		((cpu < 0.15 || cpu < 2 * zeros) &&
		    usage.ru_maxrss <= 16 * 1024));
}

static void
little(const char *name, char *text)
{
	char fact[80];

	snprintf(fact, sizeof(fact), "%s costs little", name);
	ok(costs(name, text, true), fact);
	free(text);
}

/* libjq takes 16 bytes and more for an element: parsing is only measured. */
static void
elements(const char *name, char *text)
{
	char fact[80];

	snprintf(fact, sizeof(fact), "%s costs little to check", name);
	ok(costs(name, text, false), fact);
	costs(name, text, true);
	free(text);
}

/* Print how fast 1 MiB of like text is checked, in megabytes a second. */
static double
speed(const char *name, char *text)
{
	struct timespec from, to;
	double best = 0, took;
	size_t length = strlen(text);

	for (int i = 0; i < 20; i++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		if (check_json(text, length, NULL, 0) != -1)
			errx(1, "%s: not JSON", name);
		clock_gettime(CLOCK_MONOTONIC, &to);
		took = (double)(to.tv_sec - from.tv_sec) +
		    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
		if ((double)length / took > best)
			best = (double)length / took;
	}
	printf("# check_json: %s: %.0f MB/s\n", name, best / 1e6);
	free(text);
	return best;
}

static void
test_check(void)
{
	char deep[2 * CHECK_DEPTH + 3];

	at(-1, "{}", "an object is JSON");
	at(-1, " \t\r\n[ ] \n", "blanks may stand around a value");
	at(-1, "0", "a number alone is JSON");
	at(0, "", "nothing is not JSON");
	at(3, "   ", "blanks alone are not JSON");
	at(3, "{} {}", "a second value is not JSON");
	at(0, "\xef\xbb\xbf{}", "a byte order mark is not JSON");
	at(0, "NaN", "NaN is not JSON");
	at(3, "nul", "half a literal is not JSON");
	at(1, "[,1]", "an array starts with a value");
	at(3, "[1,]", "no comma ends an array");
	at(7, "{\"a\":1,}", "no comma ends an object");
	at(5, "{\"a\" 1}", "a name wants a colon");
	at(1, "{1:2}", "a name is a string");
	at(3, "[1 2]", "elements want commas");
	at(7, "{\"a\":1 2}", "members want commas");
	at(5, "{\"a\":}", "a member has a value");
	at(-1, "[true,false,null]", "there are three literals");
	at(1, "01", "a number has no leading 0");
	at(1, "-", "a minus wants digits");
	at(2, "1.", "a point wants digits");
	at(3, "1e+", "an exponent wants digits");
	at(-1, "[-0,0e1,1.5E-3,12e+7]", "numbers come in many forms");
	at(1, "\"\n\"", "a raw line end in a string is not JSON");
	at(9, "\"12345678\x1f\"", "nor is a control after eight bytes");
	at(9, "\"12345678", "a string ends");
	at(2, "\"\\x41\"", "there is no \\x escape");
	at(5, "\"\\u12g4\"", "an escape has four digits");
	at(6, "\"\\u123", "an escape may not be cut");
	at(-1, "\"\\ud800 \\udc00\"", "half a pair is JSON");
	at(-1, "\"\x7f \xc2\x80 \xef\xbf\xbf \xf4\x8f\xbf\xbf\"",
	    "UTF-8 is JSON");
	at(1, "\"\x80\"", "a lone continuation is not UTF-8");
	at(1, "\"\xc1\xbf\"", "an overlong form of 2 is not UTF-8");
	at(2, "\"\xe0\x9f\xbf\"", "an overlong form of 3 is not UTF-8");
	at(2, "\"\xf0\x8f\xbf\xbf\"", "an overlong form of 4 is not UTF-8");
	at(2, "\"\xed\xa0\x80\"", "a surrogate is not UTF-8");
	at(2, "\"\xf4\x90\x80\x80\"", "U+110000 is not UTF-8");
	at(1, "\"\xf5\x80\x80\x80\"", "0xf5 is not UTF-8");
	at(3, "\"\xe2\x82\"", "a sequence may not be cut");
	ok(check_json("[1]\0", 4, NULL, 0) == 3, "a NUL is not JSON");
	ok(check_json("\"a\0\"", 4, NULL, 0) == 2, "not in a string either");
	ok(check_json("{} x", 2, NULL, 0) == -1, "the length is kept to");

	memset(deep, '[', CHECK_DEPTH);
	memset(deep + CHECK_DEPTH, ']', CHECK_DEPTH);
	deep[2 * CHECK_DEPTH] = '\0';
	at(-1, deep, "64 levels are JSON");
	memset(deep, '[', CHECK_DEPTH + 1);
	memset(deep + CHECK_DEPTH + 1, ']', CHECK_DEPTH + 1);
	deep[2 * CHECK_DEPTH + 2] = '\0';
	at(CHECK_DEPTH, deep, "65 are too deep");
	ok(strcmp(check_why(deep, strlen(deep), CHECK_DEPTH),
	       "nested deeper than 64 levels") == 0,
	    "and that is told");
	ok(strcmp(check_why("[\"\\\"{[\", {} [", 13, 11), "not JSON") == 0 &&
		strcmp(check_why("[", 1, 1), "not JSON") == 0,
	    "of nothing else");
}

static void
test_wants(void)
{
	static const char *const whole[] = { NULL };
	static const char *const a[] = { "a", NULL };
	static const char *const ab[] = { "a", "b", NULL };
	static const char *const empty[] = { "", NULL };
	static const char *const e[] = { "\xc3\xa9", NULL };
	static const char *const face[] = { "\xf0\x9f\x98\x80", NULL };
	static const char *const han[] = { "\xe6\xbc\xa2", NULL };
	static const char *const odd[] = { "\"/\\\b\f\n\r\t", NULL };
	struct check_want want[] = { { ab, { NULL, 0 } }, { a, { NULL, 0 } },
		{ whole, { NULL, 0 } } };
	const char *text = "{\"a\":{\"b\":[1]}}";

	finds("[1, 2]", " [1, 2] ", whole, "no path is the whole");
	finds("1", "{\"b\":2,\"a\":1}", a, "a member is found");
	finds("{\"x\": [\"b\"]}", "{\"a\":{\"b\": {\"x\": [\"b\"]} }}", ab,
	    "a nested one is found");
	finds("null", "{\"a\":{\"b\":null}}", ab, "null is a value");
	finds("3", "{\"a\":1,\"a\":3}", a, "the last of two wins");
	finds("3", "{\"a\":{\"b\":1},\"a\":{\"b\":3}}", ab,
	    "the last of two wins below");
	finds(NULL, "{\"a\":{\"b\":1},\"a\":2}", ab,
	    "a later scalar undoes what was below");
	finds(NULL, "{\"a\":{\"b\":1},\"\\u0061\":{}}", ab,
	    "so does a later name with an escape");
	finds("2", "{\"a\":{\"b\":1,\"b\":2}}", ab, "also side by side");
	finds(NULL, "{\"b\":{\"a\":1}}", ab, "order matters");
	finds(NULL, "{\"aa\":1,\"\":2}", a, "no part of a name matches");
	finds(NULL, "{\"a\":[{\"b\":1}]}", ab, "an array is not looked into");
	finds(NULL, "[{\"a\":1}]", a, "nor is one at the top");
	finds(NULL, "{\"a\":\"b\"}", ab, "a string has no members");
	finds(NULL, "{}", a, "nothing is in an empty object");
	finds("1", "{\"\":1}", empty, "an empty name is found");
	finds("1", "{\"\\u0061\":1}", a, "an escaped name is found");
	finds("1", "{\"\\u00E9\":1}", e, "with two bytes");
	finds("1", "{\"\\u6f22\":1}", han, "with three");
	finds("1", "{\"\\ud83d\\uDE00\":1}", face, "with four");
	finds("1", "{\"\\\"\\/\\\\\\b\\f\\n\\r\\t\":1}", odd,
	    "with all the short escapes");
	finds(NULL, "{\"\\ud83d\":1}", face, "half a pair matches nothing");
	finds(NULL, "{\"\\ud83d\\u0061\":1}", face, "nor before a letter");
	finds(NULL, "{\"\\ud83d\\ue000\":1}", face, "nor before U+E000");
	finds(NULL, "{\"\\ud83d\\n\":1}", face, "nor before an escape");
	finds(NULL, "{\"\\ude00\":1}", face, "nor the other half");
	finds(NULL, "{\"\\u0062\":1}", a, "another letter differs");
	finds(NULL, "{\"a\\u0000\":1}", a, "NUL does not end a name");
	finds(NULL, "{\"\\u0000\":1}", empty, "NUL is not empty");
	finds(NULL, "{\"\\u0061b\":1}", a, "an escaped longer name differs");
	finds(NULL, "{\"a\":1", a, "nothing is found in what is not JSON");

	check_json(text, strlen(text), want, 3);
	ok(want[0].value.text == text + 10 && want[0].value.length == 3,
	    "several are found at once: the inner");
	ok(want[1].value.text == text + 5 && want[1].value.length == 9,
	    "the outer");
	ok(want[2].value.text == text && want[2].value.length == strlen(text),
	    "and the whole");
}

static void
test_values(void)
{
	jv v = parse("{\"s\":\"text\",\"n\":1,\"z\":\"a\\u0000b\"}"), w;
	char *copy, *none;
	long total = 0;

	ok(strcmp(json_str(&v, "s"), "text") == 0, "a string is lent");
	ok(json_str(&v, "n") == NULL, "a number is no string");
	ok(json_str(&v, "z") == NULL, "nor is what holds NUL");
	ok(json_str(&v, "x") == NULL, "nor is what is not there");
	w = json_get(&v, "x");
	ok(!jv_is_valid(w), "what is not there is invalid");
	jv_free(w);
	v = json_drop(json_drop(v, "z"), "x");
	v = json_set_str(json_set(v, "n", jv_number(2)), "t", "new");
	v = json_set(v, "s", jv_invalid());
	ok(prints_as("{\"n\":2,\"t\":\"new\"}", jv_copy(v)),
	    "members are set and dropped");
	jv_free(v);

	v = parse("{\"s\":\"text\",\"t\":true,\"q\":\"true\",\"n\":1.5}");
	copy = json_str_copy(&v, "s");
	none = json_str_copy(&v, "t");
	ok(json_true(&v, "t"), "true is true");
	ok(!json_true(&v, "q") && !json_true(&v, "n") && !json_true(&v, "x"),
	    "nothing else is");
	ok(json_number(&v, "n", -1) > 1.4 && json_number(&v, "n", -1) < 1.6,
	    "a number may be a fraction");
	ok(json_number(&v, "q", -1) < 0 && json_number(&v, "x", -1) < 0,
	    "what is no number is what was given");
	jv_free(v);
	ok(strcmp(copy, "text") == 0 && none == NULL,
	    "a copy of a string outlives its object");
	free(copy);

	v = parse("[1,2,4]");
	json_each(&v, sum, &total);
	ok(total == 7, "each element is visited");
	ok(json_str(&v, "a") == NULL, "an array has no string");
	w = json_get(&v, "a");
	ok(!jv_is_valid(w), "nor members");
	v = json_drop(json_set(json_set_str(v, "a", "b"), "a", jv_true()), "a");
	ok(prints_as("[1,2,4]", v), "and takes none");
	v = parse("{\"a\":1}");
	json_each(&v, sum, &total);
	ok(total == 7, "an object has no elements");
	jv_free(v);
	v = jv_invalid();
	ok(json_str(&v, "a") == NULL && json_word(&v) == NULL,
	    "an invalid value holds nothing");
	ok(prints_as("null", v), "and is null as text");
	ok(prints_as("{\"b\":1,\"a\":\"\xc3\xa9\"}",
	       parse("{\"b\" : 1.0, \"a\":\"\\u00e9\"}")),
	    "text is compact and in order");

	word("text", "\"text\"", "a word of a string is the string");
	word("", "\"\"", "even of an empty one");
	word(NULL, "\"a\\u0000\"", "not of one with NUL");
	word("9007199254740991", "9007199254740991", "2^53 - 1 is a word");
	word(NULL, "9007199254740992", "2^53 is none");
	word("-9007199254740991", "-9007199254740991", "nor is it below 0");
	word(NULL, "1e300", "nor is a great number");
	word(NULL, "1.5", "nor is a fraction");
	word("100", "1e2", "an integer is in decimal");
	word("0", "-0.0", "0 has no sign");
	word("true", "true", "true is a word");
	word("false", "false", "false is a word");
	word(NULL, "null", "null is none");
	word(NULL, "[1]", "nor is an array");
	word(NULL, "{}", "nor is an object");

	v = json_parse("{} {}", 5);
	ok(!jv_is_valid(v), "a second value is refused");
	jv_free(v);
	v = json_parse("[1", 2);
	ok(!jv_is_valid(v), "so is half a value");
	jv_free(v);
	v = json_parse("1", (size_t)INT_MAX + 1);
	ok(!jv_is_valid(v), "and what is longer than libjq can count");
	jv_free(v);
	v = json_parse("", 0);
	ok(!jv_is_valid(v), "and no value");
	jv_free(v);
	v = json_parse("12", 2);
	ok(prints_as("12", v), "a number alone is a value");
}

/* A record by the writer, after the line of another. */
static void
written(void)
{
	struct bytes out = { NULL, 0, 0 };

	bytes_add(&out, "{}\n", 3);
	print_open(&out, '{');
	print_member(&out, "{", ":");
	print_name(&out, "list");
	print_open(&out, '[');
	print_open(&out, '{');
	print_close(&out, '}');
	print_string(&out, "a\"b\xff");
	print_open(&out, '[');
	print_close(&out, ']');
	print_int(&out, INT64_MIN);
	print_close(&out, ']');
	print_name(&out, "n");
	print_int(&out, 0);
	print_close(&out, '}');
	bytes_add(&out, "", 1);
	ok(strcmp(out.text,
	       "{}\n{\"{\":\":\",\"list\":[{},\"a\\\"b\xef\xbf\xbd\",[],"
	       "-9223372036854775808],\"n\":0}") == 0,
	    "what is written has its commas, and no other");
	bytes_free(&out);
}

static void
test_print(void)
{
	prints("{ \"a\":  [1,  2] } ", "{\n\"a\":\r\n[1,\t\n2]\n}\n",
	    "line ends and tabs become blanks");
	prints("\"\\u007f\\u0080\\u009f\xc2\xa0\"",
	    "\"\x7f\xc2\x80\xc2\x9f\xc2\xa0\"",
	    "DEL and C1 controls are escaped");
	prints("\"\\u061c\\u200e\\u200f\xd8\x9b\xd8\x9d\xe2\x80\x8d\"",
	    "\"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xd8\x9b\xd8\x9d\xe2\x80\x8d\"",
	    "so are marks of direction, not their neighbours");
	prints("\"\\u2028\\u2029\\u202a\\u202e\xe2\x80\xa7\xe2\x80\xaf\"",
	    "\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae"
	    "\xe2\x80\xa7\xe2\x80\xaf\"",
	    "so are line separators and embeddings");
	prints("\"\\u2066\\u2069\xe2\x81\xa5\xe2\x81\xaa\"",
	    "\"\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xa5\xe2\x81\xaa\"",
	    "so are isolates");
	prints("\"\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80\\n\\u2028\"",
	    "\"\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80\\n\\u2028\"",
	    "other text and escapes stay");
	prints("", "", "nothing prints nothing");
	written();
	ok(print_full() == EX_IOERR, "a line that does not fit ends with 74");
}

static void
test_cost(void)
{
	measure_zeros();
	little("1 MiB of [", repeat("", "[", ""));
	little("1 MiB of {\"\":", repeat("", "{\"\":", ""));
	little("1 MiB of [{},", repeat("", "[{},", ""));
	little("a string of 1 MiB", repeat("\"", "a", "\""));
	little("1 MiB of escapes", repeat("\"", "\\u0001", "\""));
	little("an open string of 1 MiB", repeat("\"", "a", ""));
	little("1 MiB of digits", repeat("", "9", ""));
	little("a fraction of 1 MiB", repeat("0.", "1", ""));
	little("an exponent of 1 MiB", repeat("1e", "1", ""));
	little("1 MiB of one name", repeat("{", "\"key\":1,", "\"key\":1}"));
	little("1 MiB of an escaped name",
	    repeat("{", "\"\\u006bey\":1,", "\"key\":1}"));
	elements("1 MiB of zeros", repeat("[0", ",0", "]"));
	elements("1 MiB of objects", repeat("[{}", ",{}", "]"));
	little("1 MiB of blanks", repeat("", " ", "0"));

	speed("a string", repeat("\"", "a", "\""));
	speed("objects", repeat("[{}", ",{}", "]"));
	speed("beyond ASCII", repeat("\"", "\xc3\xa9\xe6\xbc\xa2", "\""));
	ok(speed("members",
	       repeat("[0",
		   ",{\"id\":\"0194c5a2-7a3e-4a51-8f0e-e2c1a1b9d3aa\",\"number\":123,"
		   "\"state\":\"running\",\"blocked\":false,\"finished_at\":null}",
		   "]")) *
			zeros >
		    5 * MIB ||
		getenv("TACK_SANITIZE") != NULL,
	    "a check is five times as fast as libjq");
}

int
main(void)
{
	test_check();
	test_wants();
	test_values();
	test_print();
	test_cost();
	return done();
}
