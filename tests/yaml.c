/* SPDX-License-Identifier: ISC */
/* Test YAML: what becomes of it, what is refused, and where. */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/json.h"
#include "data/print.h"
#include "data/yaml.h"
#include "flow/workflow.h"
#include "tap.h"

/* The value as JSON, or the message, for the caller to free. */
static char *
said_of(jv v)
{
	jv why;
	char *said;

	if (jv_is_valid(v))
		return print_text(v);
	why = jv_invalid_get_msg(v);
	said = json_word(&why);
	jv_free(why);
	return said != NULL ? said : strdup("(no message)");
}

static char *
read_yaml(const char *text, size_t length)
{
	return said_of(yaml_parse(text, length, NULL));
}

/* What a workflow's file is read as. */
static void
means(const char *want, const char *text, const char *fact)
{
	char *got = said_of(workflow_parse(text, strlen(text)));

	is_text(got, want, fact);
	free(got);
}

static void
reads(const char *want, const char *text, const char *fact)
{
	char *got = read_yaml(text, strlen(text));

	is_text(got, want, fact);
	free(got);
}

/* Text over and over, between a head and a tail, for the caller to free. */
static char *
repeat(const char *head, const char *unit, size_t times, const char *tail)
{
	char *text =
	    malloc(strlen(head) + strlen(unit) * times + strlen(tail) + 1);
	char *p = text;

	if (text == NULL)
		err(1, NULL);
	p = stpcpy(p, head);
	while (times-- > 0)
		p = stpcpy(p, unit);
	strcpy(p, tail);
	return text;
}

/* As reads(), of a text that is freed, and in half a second. */
static void
bomb(const char *want, char *text, const char *fact)
{
	clock_t from = clock();
	char *got = read_yaml(text, strlen(text)), cost[80];
	double took = (double)(clock() - from) / CLOCKS_PER_SEC;

	ok(strncmp(got, want, strlen(want)) == 0, fact);
	if (strncmp(got, want, strlen(want)) != 0)
		printf("# %.200s\n# not %s\n", got, want);
	snprintf(cost, sizeof(cost), "and costs little: %s", fact);
	printf("# %.1f ms\n", took * 1e3);
	ok(took < 0.5 || getenv("TACK_SANITIZE") != NULL, cost);
	free(got);
	free(text);
}

static void
test_scalars(void)
{
	reads("[true,true,true,false,false,false]",
	    "[true, True, TRUE, false, False, FALSE]", "there are two truths");
	reads("[\"yes\",\"on\",\"n\",\"Off\",\"tRUE\"]",
	    "[yes, on, n, Off, tRUE]", "yes and on are words");
	reads("[null,null,null,null,\"nil\"]", "[~, null, Null, NULL, nil]",
	    "null has four forms");
	reads("{\"a\":null,\"b\":1}", "a:\nb: 1", "nothing is null");
	reads("[0,1,-7,9007199254740991]", "[0, 1, -7, 9007199254740991]",
	    "an integer is a number");
	reads(
	    "[1.5,-0.25,3.14159]", "[1.5, -0.25, 3.14159]", "so is a fraction");
	reads("[\"9007199254740993\",\"123456789012345678901234567890\"]",
	    "[9007199254740993, 123456789012345678901234567890]",
	    "what a double cannot hold is text");
	reads("[\"1.10\",\"1.0\",\"010\",\"0x1f\",\"0o17\",\"1_000\",\"+1\","
	      "\"1e3\",\".5\",\"5.\",\"12:30:45\",\"2001-01-01\"]",
	    "[1.10, 1.0, 010, 0x1f, 0o17, 1_000, +1, 1e3, .5, 5., 12:30:45,"
	    " 2001-01-01]",
	    "a number keeps its text or is none");
	reads("[\".inf\",\"-.Inf\",\".NaN\"]", "[.inf, -.Inf, .NaN]",
	    "what JSON cannot say is text");
	reads("[\"true\",\"1\",\"\",\"~\"]", "[\"true\", '1', '', \"~\"]",
	    "what is quoted is text");
	reads("{\"a\":\"1\\n\",\"b\":\"x y\\n\"}",
	    "a: |\n  1\nb: >\n  x\n  y\n", "a block is text");
	reads("\"\\tA\xc3\xa9\xf0\x9f\x98\x80\"",
	    "\"\\t\\x41\\xe9\\U0001F600\"", "escapes are read");
	reads("\"\xe6\xbc\xa2\"", "\xef\xbb\xbf\xe6\xbc\xa2",
	    "a byte order mark goes");
	reads("null", "", "no text is null");
	reads("null", "# nothing\n---\n...\n", "so is an empty document");
}

static void
test_containers(void)
{
	char *name;
	jv v;

	reads("{\"zeta\":1,\"alpha\":{\"m\":[1,[2]],\"b\":{}},\"k\":[]}",
	    "zeta: 1\nalpha:\n  m: [1, [2]]\n  b: {}\nk: []\n",
	    "keys stay in order");
	reads("{\"on\":1,\"1\":2,\"true\":3,\"~\":4,\"1.50\":5}",
	    "on: 1\n1: 2\ntrue: 3\n~: 4\n1.50: 5", "a key is its text");
	reads("{\"steps\":[{\"name\":\"a\",\"command\":\"make\\n\"},"
	      "{\"name\":\"b\",\"command\":\"x: y\"}]}",
	    "steps:\n  - name: a\n    command: |\n      make\n"
	    "  - {name: b, command: 'x: y'}\n",
	    "a workflow is read");
	reads("line 3: the key a is here a second time", "a: 1\nb: 2\na: 3",
	    "a key twice is refused, with its line");
	reads("line 1: the key 1 is here a second time", "{1: a, \"1\": b}",
	    "whatever its form");
	reads("line 2: the key ?? is here a second time",
	    "\xc3\xa9: 1\n\xc3\xa9: 2", "the message is ASCII");
	reads("line 2: a key that is not plain text", "a: 1\n[b]: 2",
	    "a list is no key");
	reads("line 1: a key that is not plain text", "{{a: b}: c}",
	    "nor is a mapping");
	reads("line 2: a key that is not plain text", "a: &x 1\n*x : 2",
	    "nor is an alias");

	v = yaml_parse("{zeta: 1, alpha: 2}", 19, NULL);
	name = json_first(&v);
	ok(name != NULL && strcmp(name, "zeta") == 0,
	    "the first key of a mapping is found");
	free(name);
	v = json_set_str(json_drop(v, "zeta"), "beta", "3");
	name = json_first(&v);
	ok(name != NULL && strcmp(name, "alpha") == 0,
	    "and the next one once it is gone");
	free(name);
	jv_free(v);
	v = jv_object();
	ok(json_first(&v) == NULL, "an empty object has none");
	jv_free(v);
	v = jv_array();
	ok(json_first(&v) == NULL, "nor has an array");
	jv_free(v);
}

static void
test_tags(void)
{
	reads("[\"1\",\"true\",\"x\",1,true,null,1.5]",
	    "[!!str 1, ! true, !!str x, !!int 1, !!bool \"true\", !!null ~,"
	    " !!float 1.5]",
	    "core tags say what a scalar is");
	reads("{\"a\":[1]}", "!!map {a: !!seq [1]}", "or a container");
	reads("line 2: not what !!int says", "a:\n  !!int x",
	    "a tag that lies is refused");
	reads("line 1: the tag !go is not known here", "a: !go x",
	    "so is a foreign tag");
	reads("line 1: the tag tag:yaml.org,2002:binary is not known here",
	    "!!binary aGk=", "and one beyond the core");
	reads("line 1: the tag tag:yaml.org,2002:set is not known here",
	    "!!set {a}", "also of a mapping");
	reads(
	    "line 1: the tag !x is not known here", "!x [a]", "also of a list");
	reads("line 1: the tag tag:yaml.org,2002:map is not known here",
	    "!!map []", "a list is no mapping");
}

static void
test_aliases(void)
{
	reads("{\"a\":[1,2],\"b\":[1,2],\"c\":[1,2]}",
	    "a: &x [1, 2]\nb: *x\nc: *x", "an alias is a copy");
	reads("[\"1\",\"1\",\"2\",\"2\"]", "[&a '1', *a, &a '2', *a]",
	    "an anchor can be set anew");
	reads("line 1: *x names no anchor", "*x", "it has to be there");
	reads("line 1: *x stands inside itself", "&x [*x]",
	    "nothing contains itself");
	reads("line 2: *x stands inside itself", "a: &x 1\nb: &x {c: *x}",
	    "not even under an old name");
	reads("{\"base\":{\"a\":1,\"b\":2},\"d\":{\"b\":3,\"c\":4,\"a\":1}}",
	    "base: &b {a: 1, b: 2}\nd: {<<: *b, b: 3, c: 4}",
	    "a merge gives what is not there");
	reads("{\"c\":0,\"a\":1,\"b\":2}",
	    "{c: 0, <<: [{a: 1}, {a: 9, b: 2, c: 9}]}",
	    "of several the first wins");
	reads("{\"<<\":{\"a\":1}}", "{\"<<\": {a: 1}}",
	    "a quoted << is a key like another");
	reads("line 1: << merges mappings and nothing else", "{<<: 1}",
	    "a scalar is not merged");
	reads("line 2: << merges mappings and nothing else", "a: 1\n<<: [b]",
	    "nor is a list of some");
	reads("line 2: the key << is here a second time",
	    "<<: {a: 1}\n<<: {b: 1}", "one merge is enough");
}

static void
test_refused(void)
{
	char *text, *got;

	reads("line 3: a second document", "a: 1\n\n---\nb: 2",
	    "a second document is refused");
	reads("{\"a\":1}", "a: 1\n---\n", "an empty one is not");
	reads(
	    "{\"a\":1}", "a: 1\n...\n---\n# b\n---\n...\n", "nor are several");
	reads("line 2: a second document", "a: 1\n--- ''\n",
	    "an empty text is not nothing");
	reads("line 3: could not find expected ':'", "a: 1\nb\nc: 2",
	    "what is not YAML is refused, with its line");
	reads("line 2: found character that cannot start any token",
	    "a:\n\t- b", "a tab is no indentation");
	reads("line 2: invalid trailing UTF-8 octet", "a: 1\nb: \xc3(",
	    "bad UTF-8 is refused");
	reads("line 1: invalid leading UTF-8 octet", "\xff\xfe\x61\x00",
	    "so is UTF-16");
	reads("line 1: a NUL in a string", "\"\\0\"", "so is a NUL");
	reads("line 2: control characters are not allowed", "a:\n - \x1b[2J",
	    "so is an escape character");
	reads("line 1: found invalid Unicode character escape code",
	    "\"\\ud800\"", "so is half a pair");
	text = read_yaml("a: \0b", 5);
	ok(strcmp(text, "line 1: control characters are not allowed") == 0,
	    "so is a NUL as it is");
	free(text);
	text = repeat("", "a", YAML_SIZE, "");
	got = read_yaml(text, YAML_SIZE);
	ok(strlen(got) == YAML_SIZE + 2, "256 KiB are read");
	free(got);
	free(text);
	bomb("line 1: a file of more than 256 KiB",
	    repeat("", "a", YAML_SIZE + 1, ""), "a byte more is refused");
}

static void
test_bombs(void)
{
	char *deep = repeat("[", "[", YAML_DEPTH, "");
	char *deep_end = repeat("", "]", YAML_DEPTH + 1, "");
	char *text = repeat(deep, "", 0, deep_end);
	char *got = read_yaml(text, strlen(text));

	ok(got[0] == '[', "32 levels below the first are read");
	free(got);
	free(text);
	text = repeat("[", deep, 1, "]");
	bomb("line 1: nested deeper than 32 levels", text, "33 are not");
	free(deep);
	free(deep_end);
	bomb("line 1: nested deeper than 32 levels",
	    repeat("", "[", 100000, ""), "brackets");
	bomb("line 1: nested deeper than 32 levels",
	    repeat("", "{a: ", 60000, ""), "braces");
	bomb("line 1: nested deeper than 32 levels",
	    repeat("", "- ", 130000, "a"), "dashes");
	bomb("line 1: a key that is not plain text",
	    repeat("", "? ", 130000, "a"), "question marks");
	bomb("line 1: more than 20000 values", repeat("[", "a,", 130000, "]"),
	    "a long list");
	bomb("line 20000: more than 20000 values",
	    repeat("", "- a\n", 60000, ""), "a long block");
	bomb("line 2: more than 20000 values",
	    repeat("- &a [x,x,x,x,x,x,x,x,x,x]\n- [", "*a,", 9000, "]"),
	    "an alias over and over");
	bomb("line 5: more than 20000 values",
	    strdup("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
		   "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		   "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
		   "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"),
	    "a billion laughs");
	bomb("line 1: aliases make the file too large",
	    repeat("[&a ", "x", 200000, ", *a, *a, *a, *a, *a, *a]"),
	    "a long text over and over");
	bomb("line 1: nested deeper than 32 levels",
	    repeat("[&a [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]], ", "", 0,
		"[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]"),
	    "depth by an alias");
	bomb("line 1: more than 1000 anchors", repeat("[", "&a x,", 50000, "]"),
	    "anchors");
	bomb("{", repeat("{a: &a {x: 1}, <<: [", "*a,", 6000, "]}"),
	    "merges without end");
	bomb("line 1: ", repeat("\"", "\\x41", 60000, ""), "an open string");
	bomb("{\"", repeat("? ", "a", 250000, "\n: b"), "a long key");
	bomb("line 1: ", repeat("", "a: ", 80000, ""), "colons");
	bomb("\"", repeat("a", "\n\n\n\n", 60000, "b"), "blank lines");
	bomb("line 1: ", repeat("", "&", 200000, ""), "and signs");
	bomb("line 1: ", repeat("!<", "%41", 80000, "> a"), "a long tag");
	bomb("null", repeat("", "#\n", 130000, ""), "comments");
	bomb(
	    "null", repeat("%TAG !", "a", 100000, "! b\n---\n"), "a directive");
}

static void
test_workflow(void)
{
	means("{\"environment\":{\"A\":\"True\",\"B\":\"FALSE\",\"C\":\"1.20\","
	      "\"D\":\"0755\",\"E\":\"1e3\",\"F\":null,\"G\":\"x\"}}",
	    "environment:\n  A: True\n  B: FALSE\n  C: 1.20\n  D: 0755\n"
	    "  E: 1e3\n  F:\n  G: 'x'\n",
	    "a variable is spelt as it is written");
	means("{\"steps\":[{\"name\":\"42\",\"command\":\"true\","
	      "\"environment\":{\"A\":\"TRUE\"},\"other\":true}]}",
	    "steps:\n- name: 42\n  command: true\n"
	    "  environment: {A: TRUE}\n  other: True\n",
	    "so are a step's name, command and variables");
	means("{\"tack\":{\"ci\":{\"env\":{\"A\":\"True\"},\"skip\":true},"
	      "\"cancel\":\"superseded\"}}",
	    "tack:\n  ci: {env: {A: True}, skip: True}\n"
	    "  cancel: superseded\n",
	    "and a provider's variables, but not its other options");
	means(
	    "{\"x\":{\"A\":true},\"environment\":{\"B\":\"No\",\"A\":\"True\"}}",
	    "x: &x {A: True}\nenvironment: {<<: *x, B: No}",
	    "an alias takes the shape of its place");
	means("line 2: environment is not a mapping",
	    "steps: []\nenvironment: FOO=1", "variables are no text");
	means("line 2: environment is not a mapping",
	    "environment:\n  - FOO=1\n", "and no list");
	means("line 3: A is not a text", "environment:\n  B: 1\n  A: [b]\n",
	    "a variable is a text");
	means("line 4: environment is not a mapping",
	    "steps:\n- command: a\n- command: b\n  environment: [A=1]\n",
	    "in a step, too");
	means("line 1: steps is not a list", "steps: make", "steps are a list");
	means("line 2: an element of steps is not a mapping",
	    "steps:\n- make\n", "of mappings");
	means("line 2: command is not a text",
	    "steps:\n- command: [make, check]\n", "a command is a text");
	means("line 1: the file is not a mapping", "make", "a file has keys");
	means("{\"steps\":null,\"environment\":null}", "steps:\nenvironment:\n",
	    "what is left empty has any shape");
}

int
main(void)
{
	test_scalars();
	test_containers();
	test_tags();
	test_aliases();
	test_refused();
	test_workflow();
	test_bombs();
	return done();
}
