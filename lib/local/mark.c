/* SPDX-License-Identifier: ISC */
/* A log whose lines begin with the time, as Buildkite's agent marks them. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "local/mark.h"

/* To the file; what does not fit on the disk is lost, the build goes on. */
static void
append(struct mark *m, const char *bytes, size_t length)
{
	size_t done = 0;
	ssize_t n;

	m->size += (int64_t)length;
	if (m->fd == -1)
		return;
	while (done < length) {
		if ((n = write(m->fd, bytes + done, length - done)) == -1) {
			m->full_disk = errno == ENOSPC || errno == EDQUOT;
			if (!m->full_disk)
				warn("log");
			return;
		}
		done += (size_t)n;
	}
}

static void
store(struct mark *m, const char *bytes, size_t length)
{
	char *text;
	size_t size, line;
	int64_t now = clock_now();
	FILE *out = mem_open(&text, &size);

	while (length > 0) {
		const char *end = memchr(bytes, '\n', length);

		line = end != NULL ? (size_t)(end - bytes) + 1 : length;
		if (!m->inside)
			fprintf(out, "\033_bk;t=%" PRId64 "\a", now);
		fwrite(bytes, 1, line, out);
		m->inside = end == NULL;
		bytes += line;
		length -= line;
	}
	mem_close(out, &text);
	append(m, text, size);
	free(text);
}

/*
 * Store what a step printed.  ESC _ begins a mark, and a step makes none: of
 * its own only the _ stays.  An ESC that ends the bytes waits for the next.
 */
static void
unmarked(struct mark *m, const char *bytes, size_t length)
{
	const char *escape;
	size_t before;

	if (m->escape && length > 0 && *bytes != '_')
		store(m, "\033", 1);
	m->escape = m->escape && length == 0;
	while ((escape = memchr(bytes, '\033', length)) != NULL) {
		before = (size_t)(escape - bytes);
		store(m, bytes, before);
		bytes += before + 1;
		length -= before + 1;
		if (length == 0)
			m->escape = true;
		else if (*bytes != '_')
			store(m, "\033", 1);
	}
	store(m, bytes, length);
}

void
mark_line(struct mark *m, const char *format, ...)
{
	char *text;
	va_list list;
	int length;

	va_start(list, format);
	length = vasprintf(&text, format, list);
	va_end(list);
	if (length == -1)
		mem_refused();
	if (m->inside)
		store(m, "\n", 1);
	store(m, text, (size_t)length);
	store(m, "\n", 1);
	free(text);
}

void
mark_write(struct mark *m, const char *bytes, size_t length)
{
	int64_t most = MARK_MOST < MARK_BUILD - m->before ?
	    MARK_MOST :
	    MARK_BUILD - m->before;

	if (m->full)
		return;
	if (m->size + (int64_t)length > most) {
		m->full = true;
		mark_line(m,
		    "tack-local: more than %" PRId64
		    " MiB of output%s; the rest is left out",
		    (most == MARK_MOST ? MARK_MOST : MARK_BUILD) >> 20,
		    most == MARK_MOST ? "" : " in all");
		return;
	}
	unmarked(m, bytes, length);
}
