/* SPDX-License-Identifier: ISC */
/* Published vectors, captured deliveries and forgeries through auth. */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <nettle/memops.h>
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_UNDEFINED(p, n) (void)(p)
#define VALGRIND_MAKE_MEM_DEFINED(p, n) (void)(p)
#endif

#include "base/secret.h"
#include "ci/auth.h"
#include "data/json.h"
#include "tap.h"

#define KEY "29b1ff5779c76bd48ba6705eb99ff970"
#define BUILDKITE \
	"{\"kind\":\"hmac\",\"hash\":\"sha256\"," \
	"\"header\":\"X-Buildkite-Signature\",\"list\":\",\",\"sep\":\"=\"," \
	"\"field\":\"signature\",\"encoding\":\"hex\"," \
	"\"signed\":[\"field:timestamp\",\".\",\"body\"]," \
	"\"time\":\"field:timestamp\",\"tolerance\":300}"
#define TOKEN "{\"kind\":\"token\",\"header\":\"X-Buildkite-Token\"}"
/* Signed over the body of 41 bytes below, by KEY of its own. */
#define OWN_KEY "tack-webhook-secret-01"
#define OWN_BODY "{\"event\":\"ping\",\"sender\":{\"name\":\"Zo\303\253\"}}"
#define OWN_TIME 1787300940
#define OWN_TAG \
	"e603265dcbe3ae0f77d663d2cedc8c6866c247d714e4ba3fc8a2c70c4aa19fc1"
#define OWN "timestamp=1787300940,signature=" OWN_TAG

struct text {
	unsigned char *bytes;
	size_t length;
};

struct count {
	const char *hash;
	jv group;
	size_t cases, right;
};

static const char *data;

static char *format(const char *, ...) __attribute__((format(printf, 1, 2)));

static char *
format(const char *f, ...)
{
	va_list ap;
	char *text;

	va_start(ap, f);
	if (vasprintf(&text, f, ap) == -1)
		err(EX_OSERR, NULL);
	va_end(ap);
	return text;
}

static struct text
load(const char *name)
{
	char *path = format("%s/%s", data, name);
	struct text t = { malloc(1 << 20), 0 };
	FILE *f = fopen(path, "r");

	if (f == NULL || t.bytes == NULL)
		err(EX_NOINPUT, "%s", path);
	t.length = fread(t.bytes, 1, (1 << 20) - 1, f);
	t.bytes[t.length] = '\0';
	fclose(f);
	free(path);
	return t;
}

static jv
load_json(const char *name)
{
	struct text t = load(name);
	jv v = json_parse((char *)t.bytes, t.length);

	if (!jv_is_valid(v))
		errx(EX_DATAERR, "%s: not JSON", name);
	free(t.bytes);
	return v;
}

static struct text
unhex(const char *hex)
{
	struct text t = { malloc(strlen(hex) / 2 + 1), 0 };
	unsigned int byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		t.bytes[t.length++] = (unsigned char)byte;
	return t;
}

static struct auth *new (const char *scheme, const char *secrets)
{
	struct secret_list list = secret_parse(strdup(secrets), "test");

	return auth_new(json_parse(scheme, strlen(scheme)), "test", &list);
}

static bool
accepts(const struct auth *a, const char *name, const char *value,
    const void *body, size_t length, int64_t at)
{
	jv headers = jv_object();
	const char *why;

	if (value != NULL)
		headers = json_set_str(headers, name, value);
	why = auth_verify(a, &headers, body, length, at, -1);
	jv_free(headers);
	return why == NULL;
}

/* Our own small delivery, with this header, at this time. */
static bool
own(const struct auth *a, const char *value, int64_t at)
{
	return accepts(a, "x-buildkite-signature", value, OWN_BODY,
	    sizeof(OWN_BODY) - 1, at);
}

/* Does auth_new exit with EX_CONFIG? */
static bool
refused(const char *scheme, const char *secrets)
{
	int status, null;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		if ((null = open("/dev/null", O_WRONLY)) != -1)
			dup2(null, STDERR_FILENO);
		new (scheme, secrets);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == EX_CONFIG;
}

static char *
hmac_scheme(const char *hash)
{
	return format("{\"kind\":\"hmac\",\"hash\":\"%s\",\"header\":\"X\","
		      "\"encoding\":\"hex\",\"key\":\"hex\","
		      "\"signed\":[\"body\"]}",
	    hash);
}

static bool
hmac_case(
    const char *hash, const char *key, const char *message, const char *tag)
{
	char *scheme = hmac_scheme(hash);
	struct text body = unhex(message);
	struct auth *a = new (scheme, key);
	bool good = accepts(a, "x", tag, body.bytes, body.length, 0);

	free(scheme);
	free(body.bytes);
	return good;
}

static void
wycheproof_case(jv test, void *arg)
{
	struct count *c = arg;
	jv tag_size = json_get(&c->group, "tagSize");
	char *bits = json_word(&tag_size);
	const char *tag = json_str(&test, "tag");
	bool full = strtoul(bits, NULL, 10) ==
	    (strcmp(c->hash, "sha1") == 0	   ? 160 :
		    strcmp(c->hash, "sha256") == 0 ? 256 :
						     512);
	bool valid = full && strcmp(json_str(&test, "result"), "valid") == 0;

	/* A truncated tag, right by Wycheproof, is none of ours. */
	c->cases++;
	if (hmac_case(c->hash, json_str(&test, "key"), json_str(&test, "msg"),
		tag) == valid)
		c->right++;
	free(bits);
	jv_free(tag_size);
	jv_free(test);
}

static void
wycheproof_group(jv group, void *arg)
{
	struct count *c = arg;
	jv tests = json_get(&group, "tests");

	c->group = group;
	json_each(&tests, wycheproof_case, c);
	jv_free(tests);
	jv_free(group);
}

static void
wycheproof(const char *hash)
{
	char *name = format("wycheproof/hmac_%s_test.json", hash);
	jv file = load_json(name), groups = json_get(&file, "testGroups");
	struct count c = { hash, jv_null(), 0, 0 };

	json_each(&groups, wycheproof_group, &c);
	printf("# %s: %zu of %zu cases right\n", name, c.right, c.cases);
	free(name);
	name =
	    format("P6 Wycheproof's cases of HMAC %s are judged right", hash);
	ok(c.cases > 100 && c.right == c.cases, name);
	free(name);
	jv_free(groups);
	jv_free(file);
}

static void
rfc4231_case(jv test, void *arg)
{
	struct count *c = arg;
	const char *tag = json_str(&test, "hmac_sha256");
	bool full = strlen(tag) == 64;

	c->cases++;
	if (hmac_case("sha256", json_str(&test, "key"), json_str(&test, "msg"),
		tag) == full)
		c->right++;
	jv_free(test);
}

static void
rfc4231(void)
{
	jv file = load_json("rfc4231/hmac_sha256.json");
	jv tests = json_get(&file, "tests");
	struct count c = { NULL, jv_null(), 0, 0 };

	json_each(&tests, rfc4231_case, &c);
	printf("# RFC 4231: %zu of %zu cases right\n", c.right, c.cases);
	ok(c.cases == 7 && c.right == 7,
	    "P6 RFC 4231's cases pass, the truncated one is refused");
	jv_free(tests);
	jv_free(file);
}

/* Cut a line of a table at its tabs. */
static size_t
cut(char *line, char **cells, size_t max)
{
	size_t n = 0;

	for (char *cell; n < max && (cell = strsep(&line, "\t")) != NULL;)
		cells[n++] = cell;
	return n;
}

static void
lower_header(jv name, void *arg)
{
	jv *pair = arg;
	char *text = json_word(&name), *copy = strdup(text);

	for (char *c = copy; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	pair[1] = json_set(pair[1], copy, json_get(&pair[0], text));
	free(copy);
	free(text);
	jv_free(name);
}

/* What became of a row: 1 judged right, 0 wrong, -1 not supported. */
static int
row(jv scheme, const char *secret, jv given, const char *file, const char *now,
    const char *verdict)
{
	char *line = strdup(secret);
	struct secret_list list = { .line = &line, .count = 1 };
	jv pair[2] = { given, jv_object() }, names = jv_keys(jv_copy(given));
	const char *kind = json_str(&scheme, "kind"), *why;
	struct text body;

	json_each(&names, lower_header, pair);
	jv_free(names);
	jv_free(given);
	if (strcmp(kind, "hmac") != 0 && strcmp(kind, "token") != 0) {
		jv_free(scheme);
		jv_free(pair[1]);
		return -1;
	}
	body = load(file);
	/* The replay cache is not auth's. */
	why = auth_verify(auth_new(json_drop(scheme, "id"), "row", &list),
	    &pair[1], body.bytes, body.length, strtoll(now, NULL, 10), -1);
	free(body.bytes);
	jv_free(pair[1]);
	if (why == NULL)
		return strcmp(verdict, "ok") == 0;
	return strcmp(verdict,
		   strncmp(why, "timestamp too", 13) == 0 ||
			   strncmp(why, "timestamp in", 12) == 0 ?
		       "stale" :
		       "bad") == 0;
}

static void
tables(void)
{
	size_t checked = 0, right = 0, unsupported = 0;
	struct text t = load("buildkite/signatures.tsv");
	char *cells[7], *lines = (char *)t.bytes, *line, *path;
	jv schemes, headers;
	const char *scheme;
	int judged;

	while ((line = strsep(&lines, "\n")) != NULL) {
		if (*line == '#' || cut(line, cells, 7) != 7)
			continue;
		path = format("buildkite/%s", cells[0]);
		headers = json_set_str(jv_object(), cells[3], cells[4]);
		scheme = strcmp(cells[1], "token") == 0 ? TOKEN : BUILDKITE;
		judged = row(json_parse(scheme, strlen(scheme)), cells[2],
		    headers, path, cells[5], cells[6]);
		checked++;
		right += judged == 1;
		if (judged != 1)
			printf("# wrong: %s %s\n", cells[0], cells[4]);
		free(path);
	}
	free(t.bytes);
	printf("# buildkite/signatures.tsv: %zu rows, %zu right\n", checked,
	    right);
	ok(checked == 17 && right == checked,
	    "P6 each row of Buildkite's signatures is judged right");

	checked = right = 0;
	schemes = load_json("auth/auth.json");
	t = load("auth/signatures.tsv");
	lines = (char *)t.bytes;
	while ((line = strsep(&lines, "\n")) != NULL) {
		if (*line == '#' || cut(line, cells, 6) != 6)
			continue;
		path = format("auth/%s", cells[0]);
		headers = json_parse(cells[3], strlen(cells[3]));
		judged = row(json_get(&schemes, cells[1]), cells[2], headers,
		    path, cells[4], cells[5]);
		if (judged == -1)
			unsupported++;
		else {
			checked++;
			right += judged == 1;
			if (judged != 1)
				printf("# wrong: %s %s\n", cells[0], cells[3]);
		}
		free(path);
	}
	free(t.bytes);
	jv_free(schemes);
	printf("# auth/signatures.tsv: %zu rows, %zu right, %zu more of kinds"
	       " not supported\n",
	    checked, right, unsupported);
	ok(checked > 40 && right == checked,
	    "P6 each row of the other schemes is judged right");
}

/* Every single bit of a real delivery. */
static void
flips(void)
{
	const char *name = "x-buildkite-signature";
	struct text body = load("buildkite/webhook-job-finished-retried.json");
	char value[] = "timestamp=1787300940,signature="
		       "7b1e6a582bc4d755e5898664bc6ffe25"
		       "f970e563cccdd6039577d75268fb511a";
	struct auth *a = new (BUILDKITE, KEY);
	size_t tried = 0, accepted = 0;

	ok(accepts(a, name, value, body.bytes, body.length, 1787300942),
	    "the delivery whose bits are flipped is genuine");
	for (size_t i = 0; i < body.length * 8; i++) {
		body.bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		tried++;
		accepted += accepts(
		    a, name, value, body.bytes, body.length, 1787300942);
		body.bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	for (size_t i = 0; i < (sizeof(value) - 1) * 8; i++) {
		value[i / 8] ^= (char)(1 << i % 8);
		tried++;
		accepted += accepts(
		    a, name, value, body.bytes, body.length, 1787300942);
		value[i / 8] ^= (char)(1 << i % 8);
	}
	printf("# %zu of %zu single-bit forgeries accepted\n", accepted, tried);
	ok(tried > 40000 && accepted == 0,
	    "P6 no single bit of timestamp, body or tag can be flipped");
	free(body.bytes);
}

static void
published(void)
{
	const char *hub = "{\"kind\":\"hmac\",\"hash\":\"sha256\","
			  "\"header\":\"X-Hub-Signature-256\","
			  "\"prefix\":\"sha256=\",\"encoding\":\"hex\","
			  "\"signed\":[\"body\"]}";
	struct auth *a = new (hub, "It's a Secret to Everybody");

	ok(accepts(a, "x-hub-signature-256",
	       "sha256=757107ea0eb2509fc211221cce984b8a"
	       "37570b6d7586c22c46f4379c8b043e17",
	       "Hello, World!", 13, 0),
	    "GitHub's published example passes");
	a = new (BUILDKITE, KEY);
	ok(!accepts(a, "x-buildkite-signature",
	       "timestamp=1619071700,signature=30222eb518dc3fb61ec9e64dd78d163f"
	       "62cb134a6ldb768f1d40e0edbn6e43f0",
	       "", 0, 1619071700),
	    "Buildkite's published example, which is not hex, is refused");
}

static void
mutations(void)
{
	static const struct {
		const char *what, *value;
		bool good;
	} headers[] = {
		{ "as sent", OWN, true },
		{ "the other way round",
		    "signature=" OWN_TAG ",timestamp=1787300940", true },
		{ "a blank after the comma",
		    "timestamp=1787300940, signature=" OWN_TAG, true },
		{ "blanks around",
		    "\t timestamp=1787300940 ,\tsignature=" OWN_TAG " ", true },
		{ "a field of another name", OWN ",version=2", true },
		{ "absent", NULL, false },
		{ "empty", "", false },
		{ "x,y", "x,y", false },
		{ "both values empty", "timestamp=,signature=", false },
		{ "only commas", ",,,", false },
		{ "an empty item", OWN ",", false },
		{ "an item without =", OWN ",x", false },
		{ "no timestamp", "signature=" OWN_TAG, false },
		{ "no signature", "timestamp=1787300940", false },
		{ "timestamp twice", "timestamp=1787300940," OWN, false },
		{ "signature twice", OWN ",signature=" OWN_TAG, false },
		{ "upper-case names", "Timestamp=1787300940,Signature=" OWN_TAG,
		    false },
		{ "upper-case hex",
		    "timestamp=1787300940,signature="
		    "E603265DCBE3AE0F77D663D2CEDC8C68"
		    "66C247D714E4BA3FC8A2C70C4AA19FC1",
		    false },
		{ "63 digits",
		    "timestamp=1787300940,signature="
		    "e603265dcbe3ae0f77d663d2cedc8c68"
		    "66c247d714e4ba3fc8a2c70c4aa19fc",
		    false },
		{ "65 digits", OWN "0", false },
		{ "128 digits", OWN OWN_TAG, false },
		{ "a digit that is none",
		    "timestamp=1787300940,signature="
		    "g603265dcbe3ae0f77d663d2cedc8c68"
		    "66c247d714e4ba3fc8a2c70c4aa19fc1",
		    false },
		{ "a blank before the =",
		    "timestamp=1787300940,signature =" OWN_TAG, false },
		{ "a blank after the =",
		    "timestamp=1787300940,signature= " OWN_TAG, false },
		{ "a semicolon", "timestamp=1787300940;signature=" OWN_TAG,
		    false },
		{ "timestamp -1", "timestamp=-1,signature=" OWN_TAG, false },
		{ "timestamp +1787300940",
		    "timestamp=+1787300940,signature=" OWN_TAG, false },
		{ "timestamp 1e9", "timestamp=1e9,signature=" OWN_TAG, false },
		{ "timestamp with a leading zero",
		    "timestamp=01787300940,signature=" OWN_TAG, false },
		{ "timestamp 0", "timestamp=0,signature=" OWN_TAG, false },
		{ "timestamp of 20 digits",
		    "timestamp=99999999999999999999,signature=" OWN_TAG,
		    false },
		{ "timestamp with a fraction",
		    "timestamp=1787300940.0,signature=" OWN_TAG, false },
	};
	struct auth *a = new (BUILDKITE, OWN_KEY);
	char many[2048] = OWN;
	jv twice;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		char *fact = format("a header %s: %s",
		    headers[i].good ? "taken" : "refused", headers[i].what);

		ok(own(a, headers[i].value, OWN_TIME) == headers[i].good, fact);
		free(fact);
	}
	for (size_t i = 0; i < 200; i++)
		strcat(many, ",a=b");
	ok(!own(a, many, OWN_TIME), "a header refused: 202 items");
	twice = json_set(jv_object(), "x-buildkite-signature",
	    jv_array_append(
		jv_array_append(jv_array(), jv_string(OWN)), jv_string(OWN)));
	ok(auth_verify(a, &twice, (const unsigned char *)OWN_BODY,
	       sizeof(OWN_BODY) - 1, OWN_TIME, -1) != NULL,
	    "a header refused: there twice");
	jv_free(twice);
	ok(!accepts(a, "x-buildkite-signature", OWN, OWN_BODY "\n",
	       sizeof(OWN_BODY), OWN_TIME),
	    "a body with one more line end is refused");
	ok(accepts(a, "x-buildkite-signature",
	       "timestamp=1787300940,signature="
	       "4d7d192f6b91bd4ff17282b982ad0377"
	       "30fde2a5d95577232b0eba8310949aa4",
	       "", 0, OWN_TIME),
	    "an empty body that is signed is genuine");
	ok(!own(a,
	       "timestamp=01787300940,signature="
	       "7f7813a54f3b5dacc5e2b225422d817c"
	       "a3896364657cc8406867350a37c4b373",
	       OWN_TIME),
	    "a header refused: a leading zero, though it is signed");
	a = new (BUILDKITE, "first\nsecond\n" OWN_KEY);
	ok(own(a, OWN, OWN_TIME), "the last of three secrets verifies");
	a = new (BUILDKITE, OWN_KEY);
	ok(!accepts(a, "x-buildkite-token", OWN_KEY, OWN_BODY,
	       sizeof(OWN_BODY) - 1, OWN_TIME),
	    "a token is nothing where a signature is due");
}

static void
base64_facts(void)
{
	struct auth *a = new ("{\"kind\":\"hmac\",\"hash\":\"sha256\","
			      "\"header\":\"S\",\"encoding\":\"base64\","
			      "\"signed\":[\"body\"]}",
	    OWN_KEY);

	ok(accepts(a, "s",
	       "+Mn+sOTivkusrqqHUjtu"
	       "xq6AOp1ht4KEqdaih9xBlVY=",
	       OWN_BODY, sizeof(OWN_BODY) - 1, 0),
	    "a tag in base64 is taken");
	ok(!accepts(a, "s",
	       "+Mn+sOTivkusrqqHUjtu    "
	       "xq6AOp1ht4KEqdaih9xBlVY=",
	       OWN_BODY, sizeof(OWN_BODY) - 1, 0),
	    "and refused with blanks in it");
}

static void
clock_facts(void)
{
	static const int offsets[] = { -301, -300, -299, 0, 299, 300, 301 };
	struct auth *a = new (BUILDKITE, OWN_KEY);
	jv headers = json_set_str(jv_object(), "x-buildkite-signature", OWN);

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		bool fresh = abs(offsets[i]) <= 300;
		char *fact = format("P8 A29 received %+d s: %s", offsets[i],
		    fresh ? "fresh" : "stale");

		ok(own(a, OWN, OWN_TIME + offsets[i]) == fresh, fact);
		free(fact);
	}
#define AT(at, tolerance) \
	(auth_verify(a, &headers, (const unsigned char *)OWN_BODY, \
	     sizeof(OWN_BODY) - 1, at, tolerance) == NULL)
	ok(!AT(2147483648, -1), "P8 stale in 2038");
	ok(!AT(253402300799, -1), "P8 stale in 9999");
	ok(!AT(0, -1), "P8 in the future of 1970");
	ok(AT(253402300799, 0), "the clock can be switched off");
	ok(AT(OWN_TIME + 10, 10) && !AT(OWN_TIME + 11, 10),
	    "the window can be set");
	jv_free(headers);
}

static void
secrets(void)
{
	struct auth *a = new (BUILDKITE, "another\n\n" OWN_KEY "\n" KEY);

	ok(own(a, OWN, OWN_TIME), "the second of three secrets verifies");
	ok(!own(new (BUILDKITE, "another\n" KEY), OWN, OWN_TIME),
	    "a signature with another secret is refused");
	a = new (TOKEN, "one\ntwo");
#define T(value) accepts(a, "x-buildkite-token", value, "", 0, 0)
	ok(T("one") && T("two"), "either token is taken");
	ok(!T("onf") && !T("on") && !T("onex") && !T("one\ntwo"),
	    "a wrong, short or long token is refused");
	ok(!T("") && !T(NULL), "an empty token is refused");
	ok(refused(BUILDKITE, ""), "an empty secret is refused");
	ok(refused(TOKEN, ""), "an empty token is refused");
	ok(refused(TOKEN, " \n\t"), "a secret of blanks is refused");
}

static void
schemes(void)
{
#define HMAC "\"kind\":\"hmac\",\"header\":\"X\","
#define REST "\"hash\":\"sha256\",\"encoding\":\"hex\",\"signed\":[\"body\"]"
	static const struct {
		const char *what, *scheme;
	} bad[] = {
		{ "ed25519", "{\"kind\":\"ed25519\",\"header\":\"X\"}" },
		{ "no kind", "{\"header\":\"X\"}" },
		{ "no header", "{\"kind\":\"hmac\"," REST "}" },
		{ "an unknown member", "{" HMAC REST ",\"id\":\"body\"}" },
		{ "a member of another kind",
		    "{\"kind\":\"token\",\"header\":\"X\",\"hash\":\"sha256\"}" },
		{ "md5",
		    "{" HMAC "\"hash\":\"md5\",\"encoding\":\"hex\","
		    "\"signed\":[\"body\"]}" },
		{ "encoding raw",
		    "{" HMAC "\"hash\":\"sha1\",\"encoding\":\"raw\","
		    "\"signed\":[\"body\"]}" },
		{ "a body that is not signed",
		    "{" HMAC "\"hash\":\"sha1\",\"encoding\":\"hex\","
		    "\"signed\":[\"header:X\"]}" },
		{ "a clock that is not signed",
		    "{" HMAC REST ",\"time\":\"header:T\"}" },
		{ "tolerance without time", "{" HMAC REST ",\"tolerance\":1}" },
		{ "field without list", "{" HMAC REST ",\"field\":\"v1\"}" },
		{ "a number for a name", "{" HMAC REST ",\"prefix\":1}" },
		{ "an array", "[]" },
		{ "a secret that is not base64",
		    "{" HMAC REST ",\"key\":\"base64\"}" },
		{ "a secret without whsec_",
		    "{" HMAC REST ",\"key\":\"whsec_\"}" },
	};

	ok(!refused("{" HMAC REST "}", "s!"), "a scheme taken: the least");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *fact = format("a scheme refused: %s", bad[i].what);

		ok(refused(bad[i].scheme, "s!"), fact);
		free(fact);
	}
}

/*
 * For valgrind: the compared bytes are undefined, so whatever branches on
 * them is reported.  The verdict alone may be known.
 */
static int
undefined(int (*equal)(const void *, const void *, size_t))
{
	unsigned char a[32], b[32];
	int verdict;

	memset(a, 7, sizeof(a));
	memset(b, 7, sizeof(b));
	VALGRIND_MAKE_MEM_UNDEFINED(a, sizeof(a));
	verdict = equal(a, b, sizeof(a));
	VALGRIND_MAKE_MEM_DEFINED(&verdict, sizeof(verdict));
	return verdict;
}

/* What a comparison of secrets must not be. */
static int
leaky(const void *a, const void *b, size_t length)
{
	const volatile unsigned char *x = a, *y = b;

	for (size_t i = 0; i < length; i++)
		if (x[i] != y[i])
			return 0;
	return 1;
}

int
main(int argc, char *argv[])
{
	const char *slash = strrchr(argv[0], '/');

	if (argc == 2 && strcmp(argv[1], "equal") == 0)
		return undefined(memeql_sec) == 1 ? 0 : 1;
	if (argc == 2 && strcmp(argv[1], "leaky") == 0)
		return undefined(leaky) == 1 ? 0 : 1;
	data = format("%.*sdata",
	    slash == NULL ? 0 : (int)(slash + 1 - argv[0]), argv[0]);

	rfc4231();
	wycheproof("sha1");
	wycheproof("sha256");
	wycheproof("sha512");
	published();
	tables();
	flips();
	mutations();
	base64_facts();
	clock_facts();
	secrets();
	schemes();
	return done();
}
