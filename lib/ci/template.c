/* SPDX-License-Identifier: ISC */
/* A template: a text with {names} in it, each of which stands for a value. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ci/template.h"
#include "data/json.h"

/* The name at a template's {, for the caller to free; *end is behind the }. */
static char *
name_at(const char *template, const char **end)
{
	const char *close = *template == '{' ? strchr(template, '}') : NULL;

	if (close == NULL)
		return NULL;
	*end = close + 1;
	return xstrndup(template + 1, (size_t)(close - template) - 1);
}

char *
template_fill(const char *template, const jv *values)
{
	const char *value;
	char *text, *name;
	size_t size;
	FILE *out = mem_open(&text, &size);

	while (*template != '\0') {
		if ((name = name_at(template, &template)) == NULL) {
			putc(*template ++, out);
			continue;
		}
		if ((value = json_str(values, name)) != NULL)
			fputs(value, out);
		free(name);
	}
	mem_close(out, &text);
	return text;
}

/* How long the value at the start of a text is. */
static size_t
value_length(const char *text)
{
	size_t n = 0;

	while ((unsigned char)text[n] >= ' ' && text[n] != '\177' &&
	    strchr("/?#", text[n]) == NULL)
		n++;
	return n;
}

jv
template_match(const char *template, const char *text, jv values)
{
	jv found = jv_object();
	char *name, *value;
	size_t length;
	bool good = true;

	while (good && *template != '\0') {
		if ((name = name_at(template, &template)) == NULL) {
			good = *template ++ == *text++;
			continue;
		}
		length = value_length(text);
		good = length > 0;
		if (good && json_str(&values, name) == NULL) {
			value = xstrndup(text, length);
			found = json_set_str(found, name, value);
			free(value);
		}
		free(name);
		text += length;
	}
	if (good && *text == '\0')
		return jv_object_merge(values, found);
	jv_free(found);
	return values;
}
