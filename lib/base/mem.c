/* SPDX-License-Identifier: ISC */
/* Memory, or the end of the program. */
#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"

void
mem_refused(void)
{
	err(EX_OSERR, NULL);
}

static void *
got(void *memory)
{
	if (memory == NULL)
		mem_refused();
	return memory;
}

void *
xmalloc(size_t size)
{
	return got(malloc(size));
}

void *
xcalloc(size_t count, size_t size)
{
	return got(calloc(count, size));
}

void *
xrealloc(void *old, size_t size)
{
	return got(realloc(old, size));
}

void *
xreallocarray(void *old, size_t count, size_t size)
{
	return got(reallocarray(old, count, size));
}

char *
xstrdup(const char *text)
{
	return got(strdup(text));
}

char *
xstrndup(const char *text, size_t most)
{
	return got(strndup(text, most));
}

char *
xasprintf(const char *format, ...)
{
	va_list list;
	char *text;
	int length;

	va_start(list, format);
	length = vasprintf(&text, format, list);
	va_end(list);
	if (length == -1)
		mem_refused();
	return text;
}

FILE *
mem_open(char **text, size_t *size)
{
	return got(open_memstream(text, size));
}

void
mem_close(FILE *stream, char *const *text)
{
	if (fclose(stream) == EOF || *text == NULL)
		mem_refused();
}
