/* SPDX-License-Identifier: ISC */
/* Where a repository may be fetched from. */
#include <netinet/in.h>
#include <sys/socket.h>

#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "base/mem.h"
#include "base/public.h"
#include "local/remote.h"

static char *
reason(const char *text, const char *of)
{
	char *whole;

	whole = xasprintf("%s%s%s", of, *of != '\0' ? ": " : "", text);
	return whole;
}

/* Labels of letters, digits and hyphens (RFC 1123 2.1). */
static bool
host_name(const char *host)
{
	size_t length;

	if (strlen(host) > 253)
		return false;
	for (;; host += length + 1) {
		length = strcspn(host, ".");
		if (length == 0 || length > 63 || host[0] == '-' ||
		    host[length - 1] == '-')
			return false;
		for (size_t i = 0; i < length; i++)
			if (!isascii((unsigned char)host[i]) ||
			    (!isalnum((unsigned char)host[i]) &&
				host[i] != '-'))
				return false;
		if (host[length] == '\0')
			return true;
	}
}

/* An address in digits, in whatever base, has such a last label. */
static bool
numeric(const char *host)
{
	const char *last = strrchr(host, '.');

	return isdigit((unsigned char)(last != NULL ? last[1] : host[0]));
}

/* host:port:address,address... of what the resolver says. */
static char *
resolve(const char *host, const char *port, bool dev, char **pin)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	char address[NI_MAXHOST], *said = NULL;
	size_t size;
	FILE *out;
	int error = getaddrinfo(host, port, &hints, &list);

	if (error != 0)
		return reason(gai_strerror(error), host);
	out = mem_open(pin, &size);
	fprintf(out, "%s:%s:", host, port);
	for (ai = list; ai != NULL && said == NULL; ai = ai->ai_next) {
		if (!dev && !public_address(ai->ai_addr))
			said =
			    reason("not a host of the public Internet", host);
		else if (getnameinfo(ai->ai_addr, ai->ai_addrlen, address,
			     sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
			said = reason("no address", host);
		else
			fprintf(out,
			    ai->ai_family == AF_INET6 ? "%s[%s]" : "%s%s",
			    ai == list ? "" : ",", address);
	}
	freeaddrinfo(list);
	mem_close(out, pin);
	if (said != NULL) {
		free(*pin);
		*pin = NULL;
	}
	return said;
}

char *
remote_refused(const char *url, bool dev, char **pin)
{
	const char *rest, *port = "443", *wrong = NULL;
	char *host, *said = NULL, *colon;

	*pin = NULL;
	for (const char *p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f ||
		    strchr("\"'\\<>^`{|}?#", *p))
			return reason("the URL has a character that it must"
				      " not have",
			    "");
	if (dev && strncmp(url, "file:///", 8) == 0)
		return NULL;
	if (strncmp(url, "https://", 8) == 0)
		rest = url + 8;
	else if (dev && strncmp(url, "http://", 7) == 0) {
		rest = url + 7;
		port = "80";
	} else
		return reason("the URL is not https", "");

	host = xstrndup(rest, strcspn(rest, "/"));
	if ((colon = strchr(host, ':')) != NULL) {
		*colon = '\0';
		port = colon + 1;
		if (*port < '1' || *port > '9')
			wrong = "invalid";
		else
			(void)strtonum(port, 1, 65535, &wrong);
	}
	if (wrong != NULL || !host_name(host))
		said = reason("the URL has no host by name", "");
	else if (numeric(host) && !dev)
		said = reason("an address, not a name", host);
	else
		said = resolve(host, port, dev, pin);
	free(host);
	return said;
}
