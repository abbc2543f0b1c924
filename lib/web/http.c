/* SPDX-License-Identifier: ISC */
/* One HTTP request to somewhere else, by libcurl. */
#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <curl/curl.h>

#include "base/mem.h"
#include "data/json.h"
#include "web/http.h"

#define CONNECT_SECONDS 5L
#define SECONDS 30L

/* One for the process, kept with its connection from request to request. */
static CURL *curl;

static void
must(CURLcode code)
{
	if (code != CURLE_OK)
		errx(EX_OSERR, "libcurl: %s", curl_easy_strerror(code));
}

static size_t
take_body(char *bytes, size_t one, size_t length, void *arg)
{
	struct http_answer *answer = arg;

	(void)one;
	if (answer->length + length > HTTP_BODY)
		return 0;
	answer->body = xrealloc(answer->body, answer->length + length + 1);
	memcpy(answer->body + answer->length, bytes, length);
	answer->length += length;
	answer->body[answer->length] = '\0';
	return length;
}

/* Fields of one name are one list (RFC 9110 5.3). */
static jv
fields(void)
{
	struct curl_header *field = NULL;
	jv all = jv_object();

	while ((field = curl_easy_nextheader(curl, CURLH_HEADER, -1, field)) !=
	    NULL) {
		char *name = xstrdup(field->name), *both = NULL;
		const char *was;

		for (char *c = name; *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
		if ((was = json_str(&all, name)) != NULL)
			both = xasprintf("%s, %s", was, field->value);
		all =
		    json_set_str(all, name, both != NULL ? both : field->value);
		free(both);
		free(name);
	}
	return all;
}

/* Did the request surely not arrive? */
static bool
unsent(CURLcode code)
{
	return code == CURLE_COULDNT_RESOLVE_PROXY ||
	    code == CURLE_COULDNT_RESOLVE_HOST ||
	    code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
	    code == CURLE_PEER_FAILED_VERIFICATION ||
	    code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
}

void
http_send(const char *method, const char *url, const char *const headers[],
    const char *body, struct http_answer *answer)
{
	struct curl_slist *list = NULL;
	bool safe = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	char why[CURL_ERROR_SIZE] = "";
	CURLcode code;
	long status;

	memset(answer, 0, sizeof(*answer));
	take_body(answer->error, 1, 0, answer);
	if (curl == NULL) {
		must(curl_global_init(CURL_GLOBAL_DEFAULT));
		if ((curl = curl_easy_init()) == NULL)
			errx(EX_OSERR, "libcurl does not start");
	}
	curl_easy_reset(curl);
	for (size_t i = 0; headers[i] != NULL; i++)
		if ((list = curl_slist_append(list, headers[i])) == NULL)
			mem_refused();
	must(curl_easy_setopt(curl, CURLOPT_URL, url));
	must(curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
	    strncmp(url, "http:", 5) == 0 ? "http" : "https"));
	must(curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method));
	must(curl_easy_setopt(
	    curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L));
	if (body != NULL) {
		must(curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body));
		must(curl_easy_setopt(
		    curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body)));
	}
	/* On a connection kept from before, libcurl may send twice. */
	must(curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, safe ? 0L : 1L));
	must(curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list));
	must(curl_easy_setopt(curl, CURLOPT_USERAGENT, "tack/" VERSION));
	must(curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body));
	must(curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer));
	must(curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why));
	must(curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L));
	must(curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS));
	must(curl_easy_setopt(curl, CURLOPT_TIMEOUT, SECONDS));
	code = curl_easy_perform(curl);
	curl_slist_free_all(list);
	answer->headers = code == CURLE_OK ? fields() : jv_object();
	if (code == CURLE_OK) {
		must(curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status));
		answer->status = (int)status;
		return;
	}
	answer->sent = !unsent(code);
	snprintf(answer->error, sizeof(answer->error), "%s",
	    *why != '\0' ? why : curl_easy_strerror(code));
}

void
http_free(struct http_answer *answer)
{
	jv_free(answer->headers);
	free(answer->body);
}
