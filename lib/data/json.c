/* SPDX-License-Identifier: ISC */
/* JSON as values: the only place that takes a jv apart. */
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "base/mem.h"
#include "data/json.h"

jv
json_parse(const char *text, size_t length)
{
	jv_parser *parser;
	jv v, more;

	if (length > INT_MAX)
		return jv_invalid();
	parser = jv_parser_new(0);
	jv_parser_set_buf(parser, text, (int)length, 0);
	v = jv_parser_next(parser);
	if (jv_is_valid(v)) {
		more = jv_parser_next(parser);
		if (jv_is_valid(more) || jv_invalid_has_msg(jv_copy(more))) {
			jv_free(v);
			v = jv_invalid();
		}
		jv_free(more);
	}
	jv_parser_free(parser);
	return v;
}

/* Is the value a string that C can hold? */
static bool
is_text(jv v)
{
	return jv_get_kind(v) == JV_KIND_STRING &&
	    strlen(jv_string_value(v)) ==
	    (size_t)jv_string_length_bytes(jv_copy(v));
}

const char *
json_str(const jv *object, const char *name)
{
	jv v = json_get(object, name);
	const char *text = is_text(v) ? jv_string_value(v) : NULL;

	jv_free(v);
	return text;
}

char *
json_str_copy(const jv *object, const char *name)
{
	const char *text = json_str(object, name);

	return text == NULL ? NULL : xstrdup(text);
}

jv
json_get(const jv *object, const char *name)
{
	if (jv_get_kind(*object) != JV_KIND_OBJECT)
		return jv_invalid();
	return jv_object_get(jv_copy(*object), jv_string(name));
}

char *
json_word(const jv *v)
{
	char *text;
	double n;

	switch (jv_get_kind(*v)) {
	case JV_KIND_STRING:
		return is_text(*v) ? xstrdup(jv_string_value(*v)) : NULL;
	case JV_KIND_TRUE:
		return xstrdup("true");
	case JV_KIND_FALSE:
		return xstrdup("false");
	case JV_KIND_NUMBER:
		n = jv_number_value(*v);
		if (!(fabs(n) < 0x1p53) || n != trunc(n))
			return NULL;
		text = xasprintf("%.0f", n == 0 ? 0 : n);
		return text;
	default:
		return NULL;
	}
}

char *
json_first(const jv *object)
{
	char *name;
	jv key;
	int i;

	if (jv_get_kind(*object) != JV_KIND_OBJECT)
		return NULL;
	i = jv_object_iter(*object);
	if (!jv_object_iter_valid(*object, i))
		return NULL;
	key = jv_object_iter_key(*object, i);
	name = json_word(&key);
	jv_free(key);
	return name;
}

int64_t
json_int(const jv *object, const char *name, int64_t otherwise)
{
	jv value = json_get(object, name);
	char *text = jv_is_valid(value) ? json_word(&value) : NULL;
	const char *wrong = "absent";
	int64_t n = 0;

	jv_free(value);
	if (text != NULL)
		n = strtonum(text, 0, INT64_C(1) << 53, &wrong);
	free(text);
	return wrong == NULL ? n : otherwise;
}

double
json_number(const jv *object, const char *name, double otherwise)
{
	jv value = json_get(object, name);

	if (jv_get_kind(value) == JV_KIND_NUMBER)
		otherwise = jv_number_value(value);
	jv_free(value);
	return otherwise;
}

bool
json_true(const jv *object, const char *name)
{
	jv value = json_get(object, name);
	bool is = jv_get_kind(value) == JV_KIND_TRUE;

	jv_free(value);
	return is;
}

/* Is it an integer that libjq would write the same? */
static bool
is_plain(const char *text, size_t length)
{
	if (length > 15 || *text == '0')
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

char *
json_span_word(const struct check_span *span)
{
	const char *text = span->text;
	size_t length = span->length;
	char *word;
	jv v;

	/* What libjq would say, without asking it. */
	if (*text == '"' && memchr(text, '\\', length) == NULL) {
		text++;
		length -= 2;
	} else if (!is_plain(text, length)) {
		v = json_parse(text, length);
		word = json_word(&v);
		jv_free(v);
		return word;
	}
	word = xstrndup(text, length);
	return word;
}

jv
json_set(jv object, const char *name, jv v)
{
	if (!jv_is_valid(v)) {
		jv_free(v);
		return json_drop(object, name);
	}
	if (jv_get_kind(object) != JV_KIND_OBJECT) {
		jv_free(v);
		return object;
	}
	return jv_object_set(object, jv_string(name), v);
}

jv
json_set_str(jv object, const char *name, const char *text)
{
	return json_set(object, name, jv_string(text));
}

jv
json_drop(jv object, const char *name)
{
	if (jv_get_kind(object) != JV_KIND_OBJECT)
		return object;
	return jv_object_delete(object, jv_string(name));
}

void
json_each(const jv *array, void (*fn)(jv, void *), void *arg)
{
	int length;

	if (jv_get_kind(*array) != JV_KIND_ARRAY)
		return;
	length = jv_array_length(jv_copy(*array));
	for (int i = 0; i < length; i++)
		fn(jv_array_get(jv_copy(*array), i), arg);
}

jv
json_at(const jv *array, size_t index)
{
	if (jv_get_kind(*array) != JV_KIND_ARRAY || index > INT_MAX)
		return jv_invalid();
	return jv_array_get(jv_copy(*array), (int)index);
}

jv
json_head(jv array)
{
	return jv_array_get(array, 0);
}
