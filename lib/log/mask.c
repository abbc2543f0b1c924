/* SPDX-License-Identifier: ISC */
/* Secrets in a stream of text become three asterisks. */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "base/secret.h"
#include "data/base64.h"
#include "log/mask.h"

extern char **environ;

/*
 * The machine of Aho and Corasick (CACM 18, 1975): a tree of all forms; the
 * way to a node is what was read last, fail leads to the longest end of it
 * that is a way too.
 */
struct node {
	uint32_t child, sibling, fail;
	uint32_t depth;
	uint32_t match; /* the longest form that ends here */
	unsigned char byte;
};

struct mask {
	struct node *node; /* the first is the root */
	uint32_t nodes, room, deepest;
	uint32_t first[256]; /* the root's children by their byte */
	bool linked;
};

struct mask_stream {
	const struct mask *mask;
	uint32_t at;
	size_t run; /* so many bytes of a secret were given out last */
	bool same_length;
	size_t held;
	char *byte; /* those held */
	char *secret; /* whether each is of a secret */
};

static uint32_t
node_new(struct mask *m)
{
	if (m->nodes == m->room) {
		m->room = m->room == 0 ? 256 : m->room * 2;
		m->node = xreallocarray(m->node, m->room, sizeof(*m->node));
	}
	memset(&m->node[m->nodes], 0, sizeof(*m->node));
	return m->nodes++;
}

struct mask *
mask_new(void)
{
	struct mask *m = xcalloc(1, sizeof(*m));

	node_new(m);
	return m;
}

void
mask_free(struct mask *m)
{
	free(m->node);
	free(m);
}

static uint32_t
edge(const struct mask *m, uint32_t at, unsigned char byte)
{
	if (at == 0)
		return m->first[byte];
	for (at = m->node[at].child; at != 0; at = m->node[at].sibling)
		if (m->node[at].byte == byte)
			break;
	return at;
}

static void
add(struct mask *m, const char *form, size_t length)
{
	uint32_t at = 0, next;

	if (length < MASK_LEAST)
		return;
	for (size_t i = 0; i < length; i++, at = next) {
		next = edge(m, at, (unsigned char)form[i]);
		if (next != 0)
			continue;
		next = node_new(m);
		m->node[next].byte = (unsigned char)form[i];
		m->node[next].depth = m->node[at].depth + 1;
		m->node[next].sibling = m->node[at].child;
		m->node[at].child = next;
		if (at == 0)
			m->first[m->node[next].byte] = next;
	}
	m->node[at].match = (uint32_t)length;
	if (length > m->deepest)
		m->deepest = (uint32_t)length;
}

/*
 * In base64, with so many bytes before it that are not known: the characters
 * that the secret alone determines, and those with the end that it has when
 * nothing follows.
 */
static void
add_base64(struct mask *m, const char *secret, size_t length, size_t before,
    int spelling)
{
	static const size_t unknown[] = { 0, 2, 3 };
	size_t all = before + length, whole = all * 8 / 6, n;
	char *bytes = xcalloc(all, 1), *form = xmalloc(BASE64_ENCODED(all));

	memcpy(bytes + before, secret, length);
	n = base64_encode(form, bytes, all, spelling);
	add(m, form + unknown[before], whole - unknown[before]);
	add(m, form + unknown[before], (all * 8 + 5) / 6 - unknown[before]);
	add(m, form + unknown[before], n - unknown[before]);
	free(form);
	explicit_bzero(bytes, all);
	free(bytes);
}

bool
mask_add(struct mask *m, const char *secret, size_t length)
{
	if (length < MASK_LEAST)
		return false;
	add(m, secret, length);
	for (size_t before = 0; before < 3; before++) {
		add_base64(m, secret, length, before, 0);
		add_base64(m, secret, length, before, BASE64_URL);
	}
	return true;
}

/* Add the lines of a secret, by what follows TACK_ in its variable. */
static void
add_name(struct mask *m, const char *name)
{
	struct secret_list list = secret_read(name);

	for (size_t i = 0; i < list.count; i++)
		mask_add(m, list.line[i], strlen(list.line[i]));
	secret_free(&list);
}

/* Does name, of length bytes, have end at its end, and something before? */
static bool
ends(const char *name, size_t length, const char *end)
{
	size_t n = strlen(end);

	return length > n && strncmp(name + length - n, end, n) == 0;
}

static void
add_variable(struct mask *m, const char *name)
{
	size_t length = strcspn(name, "=");
	char *copy;

	if (strncmp(name, "TACK_", 5) != 0)
		return;
	if (ends(name, length, "_FILE"))
		length -= strlen("_FILE");
	else if (!ends(name, length, "_TOKEN") &&
	    !ends(name, length, "_SECRET") && !ends(name, length, "_KEY"))
		return;
	copy = xstrndup(name + 5, length - 5);
	add_name(m, copy);
	free(copy);
}

static void
add_credentials(struct mask *m)
{
	const char *path = getenv("CREDENTIALS_DIRECTORY");
	struct dirent *entry;
	DIR *directory;

	if (path == NULL)
		return;
	if ((directory = opendir(path)) == NULL) {
		if (errno == ENOENT)
			return;
		err(EX_CONFIG, "CREDENTIALS_DIRECTORY: %s", path);
	}
	while ((entry = readdir(directory)) != NULL) {
		char *name = entry->d_name;

		if (strncmp(name, "tack_", 5) != 0)
			continue;
		for (char *c = name; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
		add_name(m, name + 5);
	}
	closedir(directory);
}

void
mask_environment(struct mask *m)
{
	for (char **variable = environ; *variable != NULL; variable++)
		add_variable(m, *variable);
	add_credentials(m);
}

/* Once all forms are in: level by level, where to go on from each node. */
static void
link_nodes(struct mask *m)
{
	uint32_t *queue = xcalloc(m->nodes, sizeof(*queue));
	uint32_t head = 0, tail = 0, at, fail, next;
	struct node *node = m->node;

	for (queue[tail++] = 0; head < tail; head++)
		for (at = node[queue[head]].child; at != 0;
		     at = node[at].sibling) {
			queue[tail++] = at;
			if (queue[head] == 0)
				continue;
			fail = node[queue[head]].fail;
			while ((next = edge(m, fail, node[at].byte)) == 0 &&
			    fail != 0)
				fail = node[fail].fail;
			node[at].fail = next;
			if (node[at].match == 0)
				node[at].match = node[next].match;
		}
	free(queue);
	m->linked = true;
}

struct mask_stream *
mask_stream_new(struct mask *m, bool same_length)
{
	struct mask_stream *s = xcalloc(1, sizeof(*s));

	if (!m->linked)
		link_nodes(m);
	s->byte = xcalloc(2, m->deepest + 1);
	s->secret = s->byte + m->deepest + 1;
	s->mask = m;
	s->same_length = same_length;
	return s;
}

void
mask_stream_free(struct mask_stream *s)
{
	free(s->byte);
	free(s);
}

size_t
mask_holds(const struct mask_stream *s)
{
	return s->held;
}

/* Give out the first bytes of those held. */
static void
release(struct mask_stream *s, size_t length, FILE *to)
{
	for (size_t i = 0; i < length; i++) {
		if (!s->secret[i]) {
			putc(s->byte[i], to);
			s->run = 0;
		} else if (s->run++ < 3)
			putc('*', to);
		else if (s->same_length)
			putc('\0', to);
	}
	s->held -= length;
	memmove(s->byte, s->byte + length, s->held);
	memmove(s->secret, s->secret + length, s->held);
}

void
mask_feed(struct mask_stream *s, const char *text, size_t length, FILE *to)
{
	const struct mask *m = s->mask;
	const struct node *node = m->node;
	const char *end = text + length, *from;
	uint32_t next;

	while (text < end) {
		if (s->at == 0) {
			for (from = text;
			     text < end && m->first[(unsigned char)*text] == 0;
			     text++)
				continue;
			if (text > from) {
				fwrite(from, 1, (size_t)(text - from), to);
				s->run = 0;
				continue;
			}
		}
		while ((next = edge(m, s->at, (unsigned char)*text)) == 0 &&
		    s->at != 0)
			s->at = node[s->at].fail;
		s->at = next;
		s->byte[s->held] = *text++;
		s->secret[s->held++] = 0;
		if (node[next].match > 0)
			memset(s->secret + s->held - node[next].match, 1,
			    node[next].match);
		/* Where no form goes on there is less to hold. */
		while (s->at != 0 && node[s->at].child == 0)
			s->at = node[s->at].fail;
		if (s->held > node[s->at].depth)
			release(s, s->held - node[s->at].depth, to);
	}
}

void
mask_end(struct mask_stream *s, FILE *to)
{
	release(s, s->held, to);
	s->at = 0;
	s->run = 0;
}

char *
mask_text(struct mask *m, const char *text)
{
	struct mask_stream *s = mask_stream_new(m, false);
	char *to;
	size_t size;
	FILE *f = mem_open(&to, &size);

	mask_feed(s, text, strlen(text), f);
	mask_end(s, f);
	mem_close(f, &to);
	mask_stream_free(s);
	return to;
}
