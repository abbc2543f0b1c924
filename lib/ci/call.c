/* SPDX-License-Identifier: ISC */
/* Asking a CI: the calling half of a provider. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/setting.h"
#include "ci/answer.h"
#include "ci/call.h"
#include "ci/exchange.h"
#include "ci/program.h"
#include "data/check.h"
#include "data/json.h"

#define ROUNDS 20 /* requests for one question */
#define TEXT 65536 /* bytes of an answer that is not JSON */

struct call {
	char *name, *api;
	jv config;
	int per_minute; /* 0: no budget */
	struct budget budget;
	struct program *program;
	char *account; /* of the last request */
};

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
		name = xasprintf("TACK_%s", from);
		if ((value = setting_text(name)) != NULL)
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

struct call *
call_open(const char *name, const struct provider *p, struct db *db)
{
	struct call *c = xcalloc(1, sizeof(*c));
	char *file, *text;
	const char *api;
	jv value;

	c->name = xstrdup(name);
	file = xasprintf("providers/%s/call.jq", name);
	c->program = program_load(file);
	free(file);
	if (c->program == NULL) {
		free(c->name);
		free(c);
		return NULL;
	}
	text = provider_variable(name, "API");
	value = provider_member(p, "api");
	if ((api = setting_text(text)) != NULL)
		c->api = xstrdup(api);
	else
		c->api = json_word(&value);
	jv_free(value);
	free(text);
	if (c->api != NULL)
		c->api[strcspn(c->api, " \t\r\n")] = '\0';
	c->per_minute = (int)provider_int(p, "budget", 0, 0, 1000000);
	c->config = settings(p);
	if (c->per_minute > 0)
		budget_prepare(&c->budget, db);
	return c;
}

void
call_close(struct call *c)
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

static bool
good(const jv *said)
{
	return answer_how(said, NULL) == ANSWER_GOOD;
}

/* Within the budget, send a request; an empty object, or what went wrong. */
static jv
send(struct call *c, const jv *request, enum budget_urgency urgency,
    struct exchange_answer *raw)
{
	const char *account = json_str(request, "account");
	const char *refused = json_str(request, "error");
	jv exec = json_get(request, "exec");
	bool program = jv_is_valid(exec);
	struct exchange_token token = { NULL, NULL };
	int64_t wait = 0;
	jv said;

	jv_free(exec);
	memset(raw, 0, sizeof(*raw));
	raw->headers = jv_object();
	if (refused != NULL)
		return answer_new(ANSWER_ERROR, refused);
	if (program)
		return exchange_exec(request, raw);
	said = exchange_find_token(c->name, request, &token);
	if (!good(&said))
		goto out;
	if (account == NULL)
		account = token.name != NULL ? token.name : "";
	free(c->account);
	c->account = xasprintf("%s/%s", c->name, account);
	if (c->per_minute > 0)
		wait =
		    budget_take(&c->budget, c->account, c->per_minute, urgency);
	jv_free(said);
	said = wait > 0 ? answer_later((double)wait / 1000,
			      "the budget of requests is used up") :
			  exchange_http(c->api, request, token.value, raw);
out:
	if (token.value != NULL)
		explicit_bzero(token.value, strlen(token.value));
	free(token.value);
	free(token.name);
	return said;
}

/*
 * Tell the budget what the CI said, and add 0.5 to 2 s of jitter to a wait,
 * so that waiters do not return together.
 */
static jv
told(struct call *c, jv said)
{
	double left = json_number(&said, "remaining", -1);
	double wait = json_number(&said, "wait", -1);

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
read_answer(
    struct call *c, jv input, const jv *request, struct exchange_answer *raw)
{
	jv answer = jv_object(), said;
	const char *body = raw->body != NULL ? raw->body : "";
	size_t length = raw->length < TEXT ? raw->length : TEXT;

	answer = json_set(answer, "status", jv_number(raw->status));
	answer = json_set(answer, "headers", jv_copy(raw->headers));
	answer = json_set(answer, "body",
	    check_json(body, raw->length, NULL, 0) == -1 ?
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
	return answer_new(ANSWER_UNSURE, "call.jq cannot read the answer");
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
	struct call *call;
	jv input, said;
	enum budget_urgency urgency;
	int left;
	bool cut; /* there was more to ask */
};

static void
ask(jv request, void *arg)
{
	struct round *r = arg;
	struct exchange_answer raw;
	jv said, next;

	while (good(&r->said)) {
		if (r->left-- <= 0) {
			r->cut = true;
			break;
		}
		said = send(r->call, &request, r->urgency, &raw);
		if (good(&said)) {
			jv_free(said);
			said = read_answer(
			    r->call, jv_copy(r->input), &request, &raw);
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
inform(const struct call *c, const char *verb, jv input)
{
	input = json_set_str(input, "verb", verb);
	if (c->api != NULL)
		input = json_set_str(input, "api", c->api);
	return json_set(input, "config", jv_copy(c->config));
}

jv
call_ask(
    struct call *c, const char *verb, jv input, enum budget_urgency urgency)
{
	struct round r = { c, inform(c, verb, input), jv_object(), urgency,
		ROUNDS, false };
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
		/* Absent is only what all pages are without. */
		if (r.cut && strcmp(verb, "find") == 0)
			r.said = json_set_str(r.said, "unsure",
			    "the CI has more builds than can be searched");
	}
	jv_free(r.input);
	return r.said;
}

/* Content-Range: bytes first-last/total (RFC 9110 14.4). */
static bool
range(const struct exchange_answer *raw, struct call_piece *piece)
{
	const char *text = json_str(&raw->headers, "content-range");
	int64_t first, last, total;

	if (text == NULL ||
	    sscanf(text, "bytes %" SCNd64 "-%" SCNd64 "/%" SCNd64, &first,
		&last, &total) != 3 ||
	    first < 0 || last < first || last >= total ||
	    last - first != (int64_t)raw->length - 1)
		return false;
	piece->start = first;
	piece->total = total;
	return true;
}

jv
call_log(struct call *c, jv input, struct call_piece *piece)
{
	int64_t offset = json_int(&input, "offset", 0);
	int64_t length = json_int(&input, "length", -1);
	jv requests, request, said;
	struct exchange_answer raw;
	bool program;

	memset(piece, 0, sizeof(*piece));
	piece->start = piece->total = -1;
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
		return answer_new(ANSWER_ERROR, "this CI gives no logs");
	}
	program = json_str(&request, "method") == NULL;
	said = send(c, &request, BUDGET_LOG, &raw);
	if (!good(&said)) {
		jv_free(input);
		goto out;
	}
	if (program ? raw.status == 0 : raw.status == 200) {
		piece->start = program ? offset : 0;
		if (!program || (int64_t)raw.length != length)
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
