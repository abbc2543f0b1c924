/* SPDX-License-Identifier: ISC */
/* One request of a call.jq, over the network or to a program. */
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "ci/answer.h"
#include "ci/exchange.h"
#include "data/json.h"
#include "data/print.h"
#include "web/http.h"

#define HEADERS 16
#define ARGUMENTS 16
#define READ 65536
#define EXEC_SECONDS 30 /* as talk() says */
#define UNSENT_SECONDS 5 /* until a CI is tried again that was not reached */

static void
find_secret(jv name, void *arg)
{
	struct exchange_token *l = arg;
	char *text = json_word(&name);

	if (text != NULL && l->value == NULL) {
		free(l->name);
		l->name = text;
		l->value = secret_one(text);
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
		l->line[l->count++] = xasprintf("%s: %s", name, value);
	else
		l->line[l->count++] =
		    xasprintf("%s: %.*s%s%s", name, (int)(mark - value), value,
			l->secret, mark + strlen("{secret}"));
	free(name);
}

/* Our base, a slash, and nothing that a URL cannot hold. */
static bool
ours(const char *api, const char *url)
{
	size_t length = api != NULL ? strlen(api) : 0;

	if (length == 0 || strncmp(url, api, length) != 0 || url[length] != '/')
		return false;
	for (; *url != '\0'; url++)
		if (*url <= ' ' || *url > '~')
			return false;
	return true;
}

/* A CI that repeats our token to us does not get it into a message. */
static void
blank(struct exchange_answer *raw, const char *token)
{
	size_t length = token != NULL ? strlen(token) : 0;
	char *at = raw->body;

	while (length > 0 && at != NULL &&
	    (at = memmem(at, raw->length - (size_t)(at - raw->body), token,
		 length)) != NULL)
		memset(at, '*', length);
}

jv
exchange_find_token(
    const char *provider, const jv *request, struct exchange_token *token)
{
	jv names = json_get(request, "secret"), said = jv_object();
	char *why;

	if (jv_get_kind(names) == JV_KIND_ARRAY) {
		json_each(&names, find_secret, token);
		if (token->value == NULL) {
			why = xasprintf(
			    "%s is not set up here: set TACK_%s_FILE", provider,
			    token->name != NULL ? token->name : "");
			jv_free(said);
			said = answer_new(ANSWER_ERROR, why);
			free(why);
		}
	}
	jv_free(names);
	return said;
}

jv
exchange_http(const char *api, const jv *request, const char *token,
    struct exchange_answer *raw)
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
	if (method == NULL || url == NULL || l.wrong || !ours(api, url)) {
		jv_free(said);
		said = answer_new(ANSWER_ERROR,
		    "call.jq made a request that is not one to the CI");
		goto out;
	}
	if (jv_is_valid(body))
		text = print_text(jv_copy(body));
	http_send(method, url, (const char *const *)l.line, text, &answer);
	if (answer.status == 0) {
		jv_free(said);
		said = answer.sent ? answer_new(ANSWER_UNSURE, answer.error) :
				     answer_later(UNSENT_SECONDS, answer.error);
		http_free(&answer);
		goto out;
	}
	raw->status = answer.status;
	jv_free(raw->headers);
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

/*
 * Feed a program and take what it says, until it closes its output.  Returns
 * how that went, and *why it was given up.
 */
static enum answer_how
talk(int in, const char *text, int out, struct exchange_answer *raw,
    const char **why)
{
	size_t left = strlen(text);
	int64_t end = clock_ticks() + EXEC_SECONDS * 1000;
	struct pollfd p[] = { { out, POLLIN, 0 }, { in, POLLOUT, 0 } };
	ssize_t n;

	for (;;) {
		if (left == 0 && p[1].fd != -1) {
			close(p[1].fd);
			p[1].fd = -1;
		}
		if (clock_ticks() > end)
			break;
		if (poll(p, 2, 1000) == -1) {
			if (errno == EINTR)
				continue;
			err(EX_OSERR, "poll");
		}
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
		raw->body = xrealloc(raw->body, raw->length + READ + 1);
		n = read(out, raw->body + raw->length, READ);
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
	if (raw->length > HTTP_BODY) {
		*why = "the program wrote more than 32 MiB";
		return ANSWER_ERROR;
	}
	if (clock_ticks() > end) {
		*why = "the program took more than 30 s";
		return ANSWER_UNSURE;
	}
	return ANSWER_GOOD;
}

jv
exchange_exec(const jv *request, struct exchange_answer *raw)
{
	jv list = json_get(request, "exec"), input = json_get(request, "input");
	struct argv a = { .count = 0 };
	char *text;
	const char *why = "the program was killed";
	int in, out, status;
	enum answer_how how;
	pid_t pid;

	json_each(&list, add_argument, &a);
	jv_free(list);
	text = jv_is_valid(input) ? print_text(jv_copy(input)) : xstrdup("");
	jv_free(input);
	pid = a.wrong || a.count == 0 ?
	    -1 :
	    child_start((const char *const *)a.arg, &in, &out);
	if (pid == -1) {
		for (size_t i = 0; i < a.count; i++)
			free(a.arg[i]);
		free(text);
		return answer_new(
		    ANSWER_ERROR, "call.jq names no program to run");
	}
	how = talk(in, text, out, raw, &why);
	close(out);
	if (how != ANSWER_GOOD)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	for (size_t i = 0; i < a.count; i++)
		free(a.arg[i]);
	free(text);
	if (how == ANSWER_GOOD && !WIFEXITED(status))
		how = ANSWER_UNSURE;
	if (how != ANSWER_GOOD)
		return answer_new(how, why);
	raw->status = WEXITSTATUS(status);
	return jv_object();
}
