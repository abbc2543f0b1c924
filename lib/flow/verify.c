/* SPDX-License-Identifier: ISC */
/* The function of tack-verify: a webhook's request becomes its payload. */
#include <sys/types.h>

#include <dirent.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>

#include <bsd/stdlib.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/setting.h"
#include "base/share.h"
#include "ci/auth.h"
#include "ci/provider.h"
#include "data/base64.h"
#include "data/check.h"
#include "data/json.h"
#include "data/record.h"
#include "flow/verify.h"

#define WEBHOOKS "/webhooks/"

/* A CI that may call. */
struct sender {
	struct sender *next;
	char *name;
	struct provider *provider;
	struct auth *auth;
};

struct verify {
	struct sender *senders;
	int64_t tolerance; /* -1: each scheme's own */
};

/* Are webhooks of this CI wanted? */
static bool
has_secret(const char *name)
{
	char *variable = provider_variable(name, "WEBHOOK_SECRET");
	bool there = secret_there(variable + strlen("TACK_"));

	free(variable);
	return there;
}

/* Make ready for the webhooks of a CI. */
static struct sender *
sender(const char *name, struct sender *next)
{
	struct sender *c = xcalloc(1, sizeof(*c));
	char *mode_name = provider_variable(name, "WEBHOOK_MODE");
	char *secret_name = provider_variable(name, "WEBHOOK_SECRET"), *where;
	const char *mode = setting_text(mode_name);
	struct secret_list secrets;
	jv scheme;

	c->name = xstrdup(name);
	where = xasprintf("%s, by provider %s", secret_name, name);
	if ((c->provider = provider_load(name)) == NULL)
		errx(EX_CONFIG, "%s: no such provider", name);
	scheme = provider_auth(c->provider, mode);
	if (!jv_is_valid(scheme))
		errx(EX_CONFIG, "%s: no such mode of provider %s", mode_name,
		    name);
	secrets = secret_read(secret_name + strlen("TACK_"));
	c->auth = auth_new(scheme, where, &secrets);
	secret_free(&secrets);
	free(where);
	free(secret_name);
	free(mode_name);
	c->next = next;
	return c;
}

static struct sender *
senders(void)
{
	struct sender *list = NULL;
	char *path = share_path("providers");
	DIR *d = opendir(path);
	const struct dirent *entry;

	if (d == NULL)
		err(EX_CONFIG, "%s", path);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.' && has_secret(entry->d_name))
			list = sender(entry->d_name, list);
	closedir(d);
	free(path);
	return list;
}

struct verify *
verify_new(int64_t tolerance)
{
	struct verify *v = xmalloc(sizeof(*v));

	v->tolerance = tolerance != -1 ?
	    tolerance :
	    setting_int("TACK_WEBHOOK_TOLERANCE", -1, 0, INT32_MAX);
	v->senders = senders();
	return v;
}

/* The body's bytes for the sender to free; NULL if it is not base64. */
static char *
decode(const jv *request, const struct check_span *body, size_t *length)
{
	const char *text = body->text;
	char *bytes;
	size_t n = 0;

	if (text != NULL)
		n = body->length;
	else if ((text = json_str(request, "body")) != NULL)
		n = strlen(text);
	else
		return NULL;
	bytes = xmalloc(BASE64_DECODED(n) + 1);
	if (!base64_decode(bytes, length, text, n, 0)) {
		free(bytes);
		return NULL;
	}
	bytes[*length] = '\0';
	return bytes;
}

/* The time of receipt; -1 if it is not seconds. */
static int64_t
receipt(const jv *request)
{
	jv value = json_get(request, "at");
	const char *problem = NULL;
	char *word = NULL;
	int64_t at;

	if (!jv_is_valid(value))
		at = time(NULL);
	else if (jv_get_kind(value) != JV_KIND_NUMBER ||
	    (word = json_word(&value)) == NULL)
		at = -1;
	else
		at = strtonum(word, 0, INT64_C(1) << 53, &problem);
	free(word);
	jv_free(value);
	return problem == NULL ? at : -1;
}

/* Was the body encoded once more? Then what was signed is not what it says. */
static bool
encoded(const jv *headers)
{
	jv value = json_get(headers, "content-encoding");
	bool absent = !jv_is_valid(value);
	const char *text;

	jv_free(value);
	if (absent)
		return false;
	text = json_str(headers, "content-encoding");
	return text == NULL || strcasecmp(text, "identity") != 0;
}

/* The name in /webhooks/NAME, else NULL. */
static const char *
name_of(const jv *request)
{
	const char *path = json_str(request, "path");

	if (path == NULL || strncmp(path, WEBHOOKS, strlen(WEBHOOKS)) != 0)
		return NULL;
	path += strlen(WEBHOOKS);
	if (*path == '\0' ||
	    path[strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789_-")] !=
		'\0')
		return NULL;
	return path;
}

/* The record of a genuine webhook, if its body is of use. */
static jv
accept(jv rec, const struct sender *c, const char *text, size_t length)
{
	char *event, reason[80];
	ssize_t wrong;

	event = provider_event(c->provider, text, length, &wrong);
	if (wrong != -1) {
		snprintf(reason, sizeof(reason), "body is %s at byte %zd",
		    check_why(text, length, wrong), wrong);
		return record_settle(rec, RECORD_MALFORMED, reason);
	}
	if (event == NULL)
		return record_settle(
		    rec, RECORD_MALFORMED, "body names no event");
	rec = json_drop(rec, "request");
	rec = json_set_str(rec, "provider", c->name);
	rec = json_set_str(rec, "event", event);
	free(event);
	return rec;
}

jv
verify_request(struct verify *v, jv rec, const struct check_span *body,
    char **payload, size_t *length)
{
	const struct sender *c = v->senders;
	jv request = json_get(&rec, "request");
	jv headers = jv_invalid();
	const char *name, *why;
	char *bytes = NULL;
	int64_t at;

	*payload = NULL;
	if (!jv_is_valid(request)) {
		jv_free(rec);
		return jv_invalid_with_msg(jv_string("no request"));
	}
	if (jv_get_kind(request) == JV_KIND_OBJECT)
		headers = json_get(&request, "headers");
	if (jv_get_kind(headers) != JV_KIND_OBJECT)
		rec = record_settle(
		    rec, RECORD_MALFORMED, "request is no request");
	else if ((name = name_of(&request)) == NULL)
		rec = record_settle(
		    rec, RECORD_MALFORMED, "path is not /webhooks/NAME");
	else if (encoded(&headers))
		rec = record_settle(
		    rec, RECORD_MALFORMED, "body has a Content-Encoding");
	else if ((at = receipt(&request)) == -1)
		rec = record_settle(rec, RECORD_MALFORMED, "at is not seconds");
	else if ((bytes = decode(&request, body, length)) == NULL)
		rec =
		    record_settle(rec, RECORD_MALFORMED, "body is not base64");
	else {
		while (c != NULL && strcmp(c->name, name) != 0)
			c = c->next;
		why = c == NULL ?
		    "provider is not configured" :
		    auth_verify(c->auth, &headers, (unsigned char *)bytes,
			*length, at, v->tolerance);
		rec = why != NULL ?
		    record_settle(rec, RECORD_UNAUTHORIZED, why) :
		    accept(rec, c, bytes, *length);
		if (record_outcome(&rec) == RECORD_OPEN) {
			*payload = bytes;
			bytes = NULL;
		}
	}
	free(bytes);
	jv_free(headers);
	jv_free(request);
	return rec;
}
