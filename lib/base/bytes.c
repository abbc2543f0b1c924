/* SPDX-License-Identifier: ISC */
/* Bytes on their way: what has come in, what is to go out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"

#define CHUNK 65536

void
bytes_room(struct bytes *b, size_t length)
{
	if (b->size - b->length >= length)
		return;
	b->size = 2 * b->size + length;
	b->text = xrealloc(b->text, b->size);
}

void
bytes_add(struct bytes *b, const char *text, size_t length)
{
	if (length == 0)
		return;
	bytes_room(b, length);
	memcpy(b->text + b->length, text, length);
	b->length += length;
}

void
bytes_drop(struct bytes *b, size_t length)
{
	if (length == 0)
		return;
	b->length -= length;
	memmove(b->text, b->text + length, b->length);
}

void
bytes_free(struct bytes *b)
{
	free(b->text);
	memset(b, 0, sizeof(*b));
}

ssize_t
bytes_read(struct bytes *b, int fd)
{
	/* Once for all buffers, so that each is as large as what it holds. */
	static char chunk[CHUNK];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n > 0)
		bytes_add(b, chunk, (size_t)n);
	else if (n == -1)
		n = errno == EAGAIN || errno == EINTR ? -1 : 0;
	return n;
}

const char *
bytes_line(const struct bytes *b, size_t *offset, size_t *length)
{
	const char *line = b->text + *offset, *lf;

	if (*offset == b->length)
		return NULL;
	lf = memchr(line, '\n', b->length - *offset);
	if (lf == NULL)
		return NULL;
	*length = (size_t)(lf - line);
	*offset += *length + 1;
	return line;
}
