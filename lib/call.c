/* SPDX-License-Identifier: ISC */
/* Asking a CI: the calling half of a provider. */
#include <sys/wait.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "call.h"
#include "child.h"
#include "http.h"
#include "json.h"
#include "program.h"
#include "secret.h"

#define HEADERS 16
#define ARGUMENTS 16
#define ROUNDS 20 /* requests for one question */
#define TEXT 65536 /* bytes of an answer that is not JSON */
#define EXEC_SECONDS 30
#define UNSENT_SECONDS 5 /* until a CI is tried again that was not reached */

struct caller {
	char *name, *api;
	jv config;
	int per_minute; /* 0: no budget */
	struct budget budget;
	struct program *program;
	char *account; /* of the last request */
};

/* What came back, from wherever. */
struct raw {
	int status;
	jv headers;
	char *body;
	size_t length;
};

static char *
variable(const char *name, const char *suffix)
{
	char *text;

	if (asprintf(&text, "TACK_%s_%s", name, suffix) == -1)
		err(EX_OSERR, NULL);
	for (char *c = text; *c != '\0'; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return text;
}

struct setting {
	const jv *names;
	jv out;
};

static void
add_setting(jv key, void *arg)
{
	struct setting *s = arg;
	char *member = json_word(&key), *name;
	const char *from = json_str(s->names, member), *value;

	if (from != NULL) {
		if (asprintf(&name, "TACK_%s", from) == -1)
			err(EX_OSERR, NULL);
		if ((value = getenv(name)) != NULL && *value != '\0')
			s->out = json_set_str(s->out, member, value);
		free(name);
	}
	free(member);
	jv_free(key);
}

/* "config": what each of its members names in the environment. */
static jv
settings(const struct provider *p)
{
	jv names = provider_member(p, "config"), keys;
	struct setting s = { &names, jv_object() };

	if (jv_get_kind(names) == JV_KIND_OBJECT) {
		keys = jv_keys(jv_copy(names));
		json_each(&keys, add_setting, &s);
		jv_free(keys);
	}
	jv_free(names);
	return s.out;
}

struct caller *
caller_new(const char *name, const struct provider *p, struct db *db)
{
	struct caller *c = calloc(1, sizeof(*c));
	char *file, *text;
	const char *api;
	jv value;

	if (c == NULL || (c->name = strdup(name)) == NULL ||
	    asprintf(&file, "providers/%s/call.jq", name) == -1)
		err(EX_OSERR, NULL);
	c->program = program_load(file);
	free(file);
	if (c->program == NULL) {
		free(c->name);
		free(c);
		return NULL;
	}
	text = variable(name, "API");
	value = provider_member(p, "api");
	api = getenv(text);
	if (api != NULL && *api != '\0')
		c->api = strdup(api);
	else
		c->api = json_word(&value);
	jv_free(value);
	free(text);
	if (c->api != NULL)
		c->api[strcspn(c->api, " \t\r\n")] = '\0';
	value = provider_member(p, "budget");
	if ((text = json_word(&value)) != NULL)
		c->per_minute = (int)strtonum(text, 0, 1000000, NULL);
	free(text);
	jv_free(value);
	c->config = settings(p);
	if (c->per_minute > 0)
		budget(&c->budget, db);
	return c;
}

void
caller_free(struct caller *c)
{
	if (c == NULL)
		return;
	if (c->per_minute > 0)
		budget_free(&c->budget);
	program_free(c->program);
	jv_free(c->config);
	free(c->account);
	free(c->api);
	free(c->name);
	free(c);
}

static jv
result(const char *kind, const char *why)
{
	return json_set_str(jv_object(), kind, why);
}

static jv
not_now(int64_t milliseconds, const char *why)
{
	jv r = result("reason", why);

	return json_set(
	    r, "wait", jv_number((double)(milliseconds + 999) / 1000));
}

struct lookup {
	char *name, *value;
};

static void
find_secret(jv name, void *arg)
{
	struct lookup *l = arg;
	char *text = json_word(&name);

	if (text != NULL && l->value == NULL) {
		free(l->name);
		l->name = text;
		l->value = secret(text);
	} else
		free(text);
	jv_free(name);
}

struct lines {
	const jv *headers;
	const char *secret;
	char *line[HEADERS + 1];
	size_t count;
	bool wrong;
};

static void
add_line(jv key, void *arg)
{
	struct lines *l = arg;
	char *name = json_word(&key);
	const char *value = json_str(l->headers, name), *mark;
	int n = -1;

	jv_free(key);
	if (value == NULL || l->count == HEADERS ||
	    strpbrk(value, "\r\n") != NULL ||
	    name[strcspn(name, ": \t\r\n")] != '\0') {
		l->wrong = true;
		free(name);
		return;
	}
	mark = l->secret != NULL ? strstr(value, "{secret}") : NULL;
	if (mark == NULL)
		n = asprintf(&l->line[l->count], "%s: %s", name, value);
	else
		n = asprintf(&l->line[l->count], "%s: %.*s%s%s", name,
		    (int)(mark - value), value, l->secret,
		    mark + strlen("{secret}"));
	if (n == -1)
		err(EX_OSERR, NULL);
	l->count++;
	free(name);
}

/* Our base, a slash, and nothing that a URL cannot hold. */
static bool
ours(const struct caller *c, const char *url)
{
	size_t length = c->api != NULL ? strlen(c->api) : 0;

	if (length == 0 || strncmp(url, c->api, length) != 0 ||
	    url[length] != '/')
		return false;
	for (; *url != '\0'; url++)
		if (*url <= ' ' || *url > '~')
			return false;
	return true;
}

/* A CI that repeats our token to us does not get it into a message. */
static void
blank(struct raw *raw, const char *token)
{
	size_t length = token != NULL ? strlen(token) : 0;
	char *at = raw->body;

	while (length > 0 && at != NULL &&
	    (at = memmem(at, raw->length - (size_t)(at - raw->body), token,
		 length)) != NULL)
		memset(at, '*', length);
}

/*
 * The token of a request, none if it needs none; an empty object, or which one
 * is not there.
 */
static jv
find_token(const struct caller *c, const jv *request, struct lookup *token)
{
	jv names = json_get(request, "secret"), said = jv_object();
	char *why;

	if (jv_get_kind(names) == JV_KIND_ARRAY) {
		json_each(&names, find_secret, token);
		if (token->value == NULL) {
			if (asprintf(&why,
				"%s is not set up here: set TACK_%s_FILE",
				c->name,
				token->name != NULL ? token->name : "") == -1)
				err(EX_OSERR, NULL);
			jv_free(said);
			said = result("error", why);
			free(why);
		}
	}
	jv_free(names);
	return said;
}

/* Send an HTTP request; an empty object, or what went wrong. */
static jv
send_http(
    struct caller *c, const jv *request, const char *token, struct raw *raw)
{
	const char *method = json_str(request, "method");
	const char *url = json_str(request, "url");
	jv headers = json_get(request, "headers"), keys, said = jv_object();
	jv body = json_get(request, "body");
	struct lines l = { .headers = &headers, .secret = token };
	struct http_answer answer;
	char *text = NULL;

	if (jv_get_kind(headers) == JV_KIND_OBJECT) {
		keys = jv_keys(jv_copy(headers));
		json_each(&keys, add_line, &l);
		jv_free(keys);
	}
	if (method == NULL || url == NULL || l.wrong || !ours(c, url)) {
		jv_free(said);
		said = result("error",
		    "call.jq made a request that is not one to the CI");
		goto out;
	}
	if (jv_is_valid(body))
		text = json_text(jv_copy(body));
	http_send(method, url, (const char *const *)l.line, text, &answer);
	if (answer.status == 0) {
		jv_free(said);
		said = answer.sent ?
		    result("unsure", answer.error) :
		    not_now(UNSENT_SECONDS * 1000, answer.error);
		http_free(&answer);
		goto out;
	}
	raw->status = answer.status;
	raw->headers = answer.headers;
	raw->body = answer.body;
	raw->length = answer.length;
	blank(raw, token);
out:
	for (size_t i = 0; i < l.count; i++) {
		explicit_bzero(l.line[i], strlen(l.line[i]));
		free(l.line[i]);
	}
	free(text);
	jv_free(headers);
	jv_free(body);
	return said;
}

struct argv {
	char *arg[ARGUMENTS + 1];
	size_t count;
	bool wrong;
};

static void
add_argument(jv value, void *arg)
{
	struct argv *a = arg;
	char *text = json_word(&value);

	jv_free(value);
	if (text == NULL || a->count == ARGUMENTS) {
		a->wrong = true;
		free(text);
	} else
		a->arg[a->count++] = text;
}

/* Feed a program and take what it says, until it closes its output. */
static bool
talk(int in, const char *text, int out, struct raw *raw)
{
	size_t left = strlen(text);
	time_t end = time(NULL) + EXEC_SECONDS;
	struct pollfd p[] = { { out, POLLIN, 0 }, { in, POLLOUT, 0 } };
	ssize_t n;

	for (;;) {
		if (left == 0 && p[1].fd != -1) {
			close(p[1].fd);
			p[1].fd = -1;
		}
		if (time(NULL) > end || poll(p, 2, 1000) == -1)
			break;
		if (p[1].revents != 0) {
			n = write(in, text, left);
			if (n == -1 && errno != EAGAIN)
				left = 0;
			if (n > 0) {
				text += n;
				left -= (size_t)n;
			}
		}
		if (p[0].revents == 0)
			continue;
		raw->body = realloc(raw->body, raw->length + TEXT + 1);
		if (raw->body == NULL)
			err(EX_OSERR, NULL);
		n = read(out, raw->body + raw->length, TEXT);
		if (n == -1 && errno == EAGAIN)
			continue;
		if (n > 0)
			raw->length += (size_t)n;
		raw->body[raw->length] = '\0';
		if (n <= 0 || raw->length > HTTP_BODY)
			break;
	}
	if (p[1].fd != -1)
		close(p[1].fd);
	return time(NULL) <= end && raw->length <= HTTP_BODY;
}

/* Run a program; an empty object, or what went wrong. */
static jv
send_exec(const jv *request, struct raw *raw)
{
	jv list = json_get(request, "exec"), input = json_get(request, "input");
	struct argv a = { .count = 0 };
	char *text;
	int in, out, status;
	bool whole;
	pid_t pid;

	json_each(&list, add_argument, &a);
	jv_free(list);
	text = jv_is_valid(input) ? json_text(jv_copy(input)) : strdup("");
	jv_free(input);
	if (text == NULL)
		err(EX_OSERR, NULL);
	pid = a.wrong || a.count == 0 ?
	    -1 :
	    child((const char *const *)a.arg, &in, &out);
	if (pid == -1) {
		for (size_t i = 0; i < a.count; i++)
			free(a.arg[i]);
		free(text);
		return result("error", "call.jq names no program to run");
	}
	whole = talk(in, text, out, raw);
	close(out);
	if (!whole)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	for (size_t i = 0; i < a.count; i++)
		free(a.arg[i]);
	free(text);
	if (!whole || !WIFEXITED(status))
		return result("unsure", "the program did not end well");
	raw->status = WEXITSTATUS(status);
	return jv_object();
}

/* Did it not go well? */
static bool
bad(const jv *said)
{
	static const char *const words[] = { "error", "gone", "wait",
		"unsure" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		jv value = json_get(said, words[i]);
		bool there = jv_is_valid(value);

		jv_free(value);
		if (there)
			return true;
	}
	return false;
}

/* Within the budget, send a request; an empty object, or what went wrong. */
static jv
send(struct caller *c, const jv *request, enum urgency urgency, struct raw *raw)
{
	const char *account = json_str(request, "account");
	const char *refused = json_str(request, "error");
	jv exec = json_get(request, "exec");
	bool program = jv_is_valid(exec);
	struct lookup token = { NULL, NULL };
	int64_t wait = 0;
	jv said;

	jv_free(exec);
	memset(raw, 0, sizeof(*raw));
	raw->headers = jv_object();
	if (refused != NULL)
		return result("error", refused);
	if (program)
		return send_exec(request, raw);
	said = find_token(c, request, &token);
	if (bad(&said))
		goto out;
	if (account == NULL)
		account = token.name != NULL ? token.name : "";
	free(c->account);
	if (asprintf(&c->account, "%s/%s", c->name, account) == -1)
		err(EX_OSERR, NULL);
	if (c->per_minute > 0)
		wait =
		    budget_take(&c->budget, c->account, c->per_minute, urgency);
	jv_free(said);
	said = wait > 0 ? not_now(wait, "the budget of requests is used up") :
			  send_http(c, request, token.value, raw);
out:
	if (token.value != NULL)
		explicit_bzero(token.value, strlen(token.value));
	free(token.value);
	free(token.name);
	return said;
}

static jv
number_of(const jv *object, const char *member, double *number)
{
	jv value = json_get(object, member);
	char *text = jv_get_kind(value) == JV_KIND_NUMBER ?
	    json_text(jv_copy(value)) :
	    NULL;

	*number = text != NULL ? strtod(text, NULL) : -1;
	free(text);
	return value;
}

/* Tell the budget what the CI said, and spread those who come back. */
static jv
told(struct caller *c, jv said)
{
	double left, wait;

	jv_free(number_of(&said, "remaining", &left));
	jv_free(number_of(&said, "wait", &wait));
	if (wait >= 0)
		wait += 0.5 + arc4random_uniform(1500) / 1000.0;
	/* A program that is run has no account. */
	if (c->per_minute > 0 && c->account != NULL)
		budget_told(&c->budget, c->account, (int64_t)left,
		    wait >= 0 ? (int64_t)(wait * 1000) : -1);
	return wait >= 0 ? json_set(said, "wait", jv_number(wait)) : said;
}

/* What call.jq makes of an answer. */
static jv
read_answer(struct caller *c, jv input, const jv *request, struct raw *raw)
{
	jv answer = jv_object(), said;
	const char *body = raw->body != NULL ? raw->body : "";
	size_t length = raw->length < TEXT ? raw->length : TEXT;

	answer = json_set(answer, "status", jv_number(raw->status));
	answer = json_set(answer, "headers", jv_copy(raw->headers));
	answer = json_set(answer, "body",
	    json_check(body, raw->length, NULL, 0) == -1 ?
		json_parse(body, raw->length) :
		jv_string_sized(body, (int)length));
	input = json_set(input, "request", jv_copy(*request));
	input = json_set(input, "answer", answer);
	said = program_run(c->program, input);
	if (jv_get_kind(said) == JV_KIND_ARRAY)
		said = json_head(said);
	if (jv_get_kind(said) == JV_KIND_OBJECT)
		return told(c, said);
	jv_free(said);
	return result("unsure", "call.jq cannot read the answer");
}

static void
append(jv value, void *arg)
{
	jv *list = arg;

	*list = jv_array_append(*list, value);
}

/* Put the arrays of one answer behind those of the others. */
static jv
join(jv all, jv said)
{
	static const char *const lists[] = { "builds", "steps" };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		jv more = json_get(&said, lists[i]);
		jv list = json_get(&all, lists[i]);

		if (jv_get_kind(list) != JV_KIND_ARRAY) {
			jv_free(list);
			list = jv_array();
		}
		if (jv_get_kind(more) == JV_KIND_ARRAY) {
			json_each(&more, append, &list);
			all = json_set(all, lists[i], jv_copy(list));
			said = json_drop(said, lists[i]);
		}
		jv_free(list);
		jv_free(more);
	}
	return jv_object_merge(all, said);
}

struct round {
	struct caller *caller;
	jv input, said;
	enum urgency urgency;
	int left;
};

static void
ask(jv request, void *arg)
{
	struct round *r = arg;
	struct raw raw;

	while (r->left-- > 0 && !bad(&r->said)) {
		jv said = send(r->caller, &request, r->urgency, &raw), next;

		if (!bad(&said)) {
			jv_free(said);
			said = read_answer(
			    r->caller, jv_copy(r->input), &request, &raw);
		}
		jv_free(raw.headers);
		free(raw.body);
		next = json_get(&said, "next");
		r->said = join(r->said, json_drop(said, "next"));
		if (jv_get_kind(next) != JV_KIND_OBJECT) {
			jv_free(next);
			break;
		}
		jv_free(request);
		request = next;
	}
	jv_free(request);
}

static jv
inform(const struct caller *c, const char *verb, jv input)
{
	input = json_set_str(input, "verb", verb);
	if (c->api != NULL)
		input = json_set_str(input, "api", c->api);
	return json_set(input, "config", jv_copy(c->config));
}

jv
call(struct caller *c, const char *verb, jv input, enum urgency urgency)
{
	struct round r = { c, inform(c, verb, input), jv_object(), urgency,
		ROUNDS };
	jv requests = program_run(c->program, jv_copy(r.input));

	if (jv_get_kind(requests) != JV_KIND_ARRAY) { /* it failed */
		jv_free(r.input);
		jv_free(r.said);
		return requests;
	}
	if (strcmp(verb, "plan") == 0) {
		jv_free(r.said);
		r.said = json_head(requests);
	} else {
		json_each(&requests, ask, &r);
		jv_free(requests);
	}
	jv_free(r.input);
	return r.said;
}

/* Content-Range: bytes first-last/total (RFC 9110 14.4). */
static bool
range(const struct raw *raw, struct piece *piece)
{
	const char *text = json_str(&raw->headers, "content-range");
	int64_t first, last, total;

	if (text == NULL ||
	    sscanf(text, "bytes %" SCNd64 "-%" SCNd64 "/%" SCNd64, &first,
		&last, &total) != 3 ||
	    first < 0 || last - first + 1 != (int64_t)raw->length ||
	    last >= total)
		return false;
	piece->start = first;
	piece->total = total;
	return true;
}

jv
call_log(struct caller *c, jv input, struct piece *piece)
{
	double offset;
	jv requests, request, said;
	struct raw raw;
	bool program;

	memset(piece, 0, sizeof(*piece));
	piece->start = piece->total = -1;
	jv_free(number_of(&input, "offset", &offset));
	input = inform(c, "log", input);
	requests = program_run(c->program, jv_copy(input));
	if (jv_get_kind(requests) != JV_KIND_ARRAY) {
		jv_free(input);
		return requests;
	}
	request = json_head(requests);
	if (jv_get_kind(request) != JV_KIND_OBJECT) {
		jv_free(request);
		jv_free(input);
		return result("error", "this CI gives no logs");
	}
	program = json_str(&request, "method") == NULL;
	said = send(c, &request, LOG, &raw);
	if (bad(&said)) {
		jv_free(input);
		goto out;
	}
	if (program ? raw.status == 0 : raw.status == 200) {
		piece->start = program ? (int64_t)offset : 0;
		piece->total = piece->start + (int64_t)raw.length;
	} else if (raw.status != 206 || !range(&raw, piece)) {
		jv_free(said);
		said = read_answer(c, jv_copy(input), &request, &raw);
	}
	if (piece->start != -1) {
		piece->bytes = raw.body;
		piece->length = raw.length;
		raw.body = NULL;
	}
	jv_free(input);
out:
	jv_free(raw.headers);
	free(raw.body);
	jv_free(request);
	return said;
}
