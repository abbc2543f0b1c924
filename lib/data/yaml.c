/* SPDX-License-Identifier: ISC */
/* YAML, a stranger's workflow file as JSON. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/mem.h"
#include "data/json.h"
#include "data/print.h"
#include "data/yaml.h"

#define ANCHORS 1000

/* What an anchor names, and what a copy of it costs. */
struct anchor {
	char *name;
	jv value; /* invalid while it is being read */
	size_t nodes, text;
	unsigned height;
};

struct reader {
	yaml_parser_t parser;
	const char *input;
	struct anchor anchor[ANCHORS];
	size_t anchors;
	size_t nodes, text; /* with every alias as a copy */
	unsigned reach; /* the deepest level met */
	jv why;
};

/*
 * What a node is read into: [line, value, text].  The elements and members of
 * its value are nodes, too; a scalar alone has the text that it was spelt as.
 */
enum { LINE, VALUE, TEXT };

static jv node(struct reader *, yaml_event_t *, unsigned);

/* Say why, the first time; for the caller to pass up. */
static jv __attribute__((format(printf, 3, 4)))
fail(struct reader *r, size_t line, const char *format, ...)
{
	char what[160], why[200];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	/* A stranger's word may be in it. */
	for (char *p = what; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	snprintf(why, sizeof(why), "line %zu: %s", line + 1, what);
	if (jv_get_kind(r->why) == JV_KIND_NULL)
		r->why = jv_string(why);
	return jv_invalid();
}

static void
parser_failed(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	size_t line = p->problem_mark.line;

	if (p->error == YAML_MEMORY_ERROR)
		mem_refused();
	if (p->error == YAML_READER_ERROR) {
		line = 0;
		for (size_t i = 0; i < p->problem_offset; i++)
			line += r->input[i] == '\n';
	}
	fail(r, line, "%s", p->problem != NULL ? p->problem : "not YAML");
}

/* The next event, for the caller to delete. */
static bool
next(struct reader *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return true;
	memset(event, 0, sizeof(*event));
	parser_failed(r);
	return false;
}

static const struct anchor *
find(const struct reader *r, const yaml_char_t *name)
{
	for (size_t i = r->anchors; i > 0; i--)
		if (strcmp(r->anchor[i - 1].name, (const char *)name) == 0)
			return &r->anchor[i - 1];
	return NULL;
}

/* Count a node, or all that an alias stands for; false beyond the limits. */
static bool
spend(struct reader *r, size_t line, size_t nodes, size_t text, unsigned depth)
{
	r->nodes += nodes;
	r->text += text;
	if (depth > r->reach)
		r->reach = depth;
	if (depth > YAML_DEPTH)
		fail(r, line, "nested deeper than %d levels", YAML_DEPTH);
	else if (r->nodes > YAML_NODES)
		fail(r, line, "more than %d values", YAML_NODES);
	else if (r->text > YAML_TEXT)
		fail(r, line, "aliases make the file too large");
	else
		return true;
	return false;
}

static bool
is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

/* Text of digits, the first of them not 0 unless alone, after a sign. */
static bool
looks_decimal(const char *text)
{
	size_t digits;

	if (*text == '-')
		text++;
	digits = strspn(text, "0123456789");
	if (digits == 0 || (*text == '0' && digits > 1))
		return false;
	text += digits;
	if (*text == '.') {
		digits = strspn(++text, "0123456789");
		text += digits;
	}
	return digits > 0 && *text == '\0';
}

/* A number that prints as it was written, else invalid. */
static jv
number(const char *text)
{
	char *printed;
	jv n;

	/* No double prints longer than this. */
	if (strlen(text) > 24 || !looks_decimal(text))
		return jv_invalid();
	n = jv_number(strtod(text, NULL));
	printed = print_text(jv_copy(n));
	if (strcmp(printed, text) != 0) {
		jv_free(n);
		n = jv_invalid();
	}
	free(printed);
	return n;
}

/* A plain scalar by its looks. */
static jv
plain(const char *text)
{
	static const char *const yes[] = { "true", "True", "TRUE", NULL },
				 *const no[] = { "false", "False", "FALSE",
					 NULL },
				 *const null[] = { "", "~", "null", "Null",
					 "NULL", NULL };
	jv n;

	if (is_one_of(text, yes))
		return jv_true();
	if (is_one_of(text, no))
		return jv_false();
	if (is_one_of(text, null))
		return jv_null();
	n = number(text);
	return jv_is_valid(n) ? n : jv_string(text);
}

/* Is the tag, where there is one, a core tag of this name? */
static bool
tagged(const yaml_char_t *tag, const char *name)
{
	static const char core[] = "tag:yaml.org,2002:";
	const char *text = (const char *)tag;

	return text != NULL && strncmp(text, core, sizeof(core) - 1) == 0 &&
	    strcmp(text + sizeof(core) - 1, name) == 0;
}

static jv
scalar(struct reader *r, const yaml_event_t *event)
{
	static const struct {
		const char *tag;
		jv_kind kind, other;
	} kinds[] = {
		{ "int", JV_KIND_NUMBER, JV_KIND_NUMBER },
		{ "float", JV_KIND_NUMBER, JV_KIND_NUMBER },
		{ "bool", JV_KIND_TRUE, JV_KIND_FALSE },
		{ "null", JV_KIND_NULL, JV_KIND_NULL },
	};
	const yaml_char_t *tag = event->data.scalar.tag;
	const char *text = (const char *)event->data.scalar.value;
	size_t line = event->start_mark.line;
	jv value;

	if (strlen(text) != event->data.scalar.length)
		return fail(r, line, "a NUL in a string");
	if (tag == NULL && event->data.scalar.plain_implicit)
		return plain(text);
	if (tag == NULL || strcmp((const char *)tag, "!") == 0 ||
	    tagged(tag, "str"))
		return jv_string(text);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!tagged(tag, kinds[i].tag))
			continue;
		value = plain(text);
		if (jv_get_kind(value) == kinds[i].kind ||
		    jv_get_kind(value) == kinds[i].other)
			return value;
		jv_free(value);
		return fail(r, line, "not what !!%s says", kinds[i].tag);
	}
	return fail(r, line, "the tag %s is not known here", (const char *)tag);
}

/* A container may have its own core tag alone. */
static bool
container(struct reader *r, const yaml_event_t *event, const yaml_char_t *tag,
    const char *name)
{
	if (tag == NULL || strcmp((const char *)tag, "!") == 0 ||
	    tagged(tag, name))
		return true;
	fail(r, event->start_mark.line, "the tag %s is not known here",
	    (const char *)tag);
	return false;
}

static jv
sequence(struct reader *r, const yaml_event_t *start, unsigned depth)
{
	jv array = jv_array(), value;
	yaml_event_t event;

	if (!container(r, start, start->data.sequence_start.tag, "seq"))
		goto failed;
	while (next(r, &event)) {
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return array;
		}
		value = node(r, &event, depth + 1);
		if (!jv_is_valid(value))
			goto failed;
		array = jv_array_append(array, value);
	}
failed:
	jv_free(array);
	return jv_invalid();
}

struct merge {
	jv into;
	bool wrong;
};

/* What the mapping does not have from another one, a node. */
static void
merge(jv other, void *arg)
{
	struct merge *m = arg;
	jv from = json_at(&other, VALUE);

	jv_free(other);
	if (jv_get_kind(from) != JV_KIND_OBJECT) {
		m->wrong = true;
		jv_free(from);
		return;
	}
	for (int i = jv_object_iter(from); jv_object_iter_valid(from, i);
	     i = jv_object_iter_next(from, i)) {
		jv key = jv_object_iter_key(from, i);

		if (jv_object_has(jv_copy(m->into), jv_copy(key)))
			jv_free(key);
		else
			m->into = jv_object_set(
			    m->into, key, jv_object_iter_value(from, i));
	}
	jv_free(from);
}

/* The mapping with what its "<<" names: a mapping, or several. */
static jv
merged(struct reader *r, jv object, jv from, size_t line)
{
	struct merge m = { object, false };
	jv several = json_at(&from, VALUE);

	if (jv_get_kind(several) == JV_KIND_ARRAY) {
		json_each(&several, merge, &m);
		jv_free(from);
	} else
		merge(from, &m);
	jv_free(several);
	if (!m.wrong)
		return m.into;
	jv_free(m.into);
	return fail(r, line, "<< merges mappings and nothing else");
}

/* The text of a key, invalid if it is none; deletes the event. */
static jv
key(struct reader *r, yaml_event_t *event, unsigned depth, bool *merges)
{
	bool bare = event->data.scalar.plain_implicit;
	size_t line = event->start_mark.line;
	jv text, value;

	if (event->type != YAML_SCALAR_EVENT) {
		yaml_event_delete(event);
		return fail(r, line, "a key that is not plain text");
	}
	text = jv_string((const char *)event->data.scalar.value);
	*merges = bare && event->data.scalar.length == 2 &&
	    memcmp(event->data.scalar.value, "<<", 2) == 0;
	value = node(r, event, depth + 1);
	if (!jv_is_valid(value)) {
		jv_free(text);
		return value;
	}
	jv_free(value);
	return text;
}

static jv
mapping(struct reader *r, const yaml_event_t *start, unsigned depth)
{
	jv object = jv_object(), from = jv_null(), name, value;
	bool merges = false, has_from = false;
	yaml_event_t event;
	size_t line, from_line = 0;
	char *text;

	if (!container(r, start, start->data.mapping_start.tag, "map"))
		goto failed;
	while (next(r, &event)) {
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			if (has_from)
				return merged(r, object, from, from_line);
			jv_free(from);
			return object;
		}
		line = event.start_mark.line;
		name = key(r, &event, depth, &merges);
		if (!jv_is_valid(name))
			goto failed;
		if (merges ? has_from :
			     jv_object_has(jv_copy(object), jv_copy(name))) {
			text = json_word(&name);
			fail(r, line, "the key %.60s is here a second time",
			    text);
			free(text);
			jv_free(name);
			goto failed;
		}
		value =
		    next(r, &event) ? node(r, &event, depth + 1) : jv_invalid();
		if (!jv_is_valid(value)) {
			jv_free(name);
			goto failed;
		}
		if (merges) {
			jv_free(name);
			jv_free(from);
			from = value;
			has_from = true;
			from_line = line;
		} else
			object = jv_object_set(object, name, value);
	}
failed:
	jv_free(object);
	jv_free(from);
	return jv_invalid();
}

static jv
alias(struct reader *r, const yaml_event_t *event, unsigned depth)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct anchor *a = find(r, event->data.alias.anchor);
	size_t line = event->start_mark.line;

	if (a == NULL)
		return fail(r, line, "*%.60s names no anchor", name);
	if (!jv_is_valid(a->value))
		return fail(r, line, "*%.60s stands inside itself", name);
	if (!spend(r, line, a->nodes, a->text, depth + a->height))
		return jv_invalid();
	return jv_copy(a->value);
}

/* A new anchor, or NULL where the event has none or there are too many. */
static struct anchor *
anchor(struct reader *r, const yaml_char_t *name, size_t line)
{
	struct anchor *a = &r->anchor[r->anchors];

	if (name == NULL)
		return NULL;
	if (r->anchors == ANCHORS) {
		fail(r, line, "more than %d anchors", ANCHORS);
		return NULL;
	}
	r->anchors++;
	a->name = xstrdup((const char *)name);
	a->value = jv_invalid();
	a->nodes = r->nodes;
	a->text = r->text;
	return a;
}

/* The node that an event begins, invalid if it fails; deletes the event. */
static jv
node(struct reader *r, yaml_event_t *event, unsigned depth)
{
	size_t line = event->start_mark.line;
	const yaml_char_t *name = NULL;
	unsigned reach = r->reach;
	struct anchor *a = NULL;
	jv value = jv_invalid();

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		value = alias(r, event, depth);
		yaml_event_delete(event);
		return value;
	case YAML_SCALAR_EVENT:
		name = event->data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		name = event->data.sequence_start.anchor;
		break;
	case YAML_MAPPING_START_EVENT:
		name = event->data.mapping_start.anchor;
		break;
	default:
		break;
	}
	r->reach = depth;
	a = anchor(r, name, line);
	if ((name == NULL) != (a == NULL))
		goto out;
	if (!spend(r, line, 1,
		event->type == YAML_SCALAR_EVENT ? event->data.scalar.length :
						   0,
		depth))
		goto out;
	if (event->type == YAML_SCALAR_EVENT)
		value = scalar(r, event);
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		value = sequence(r, event, depth);
	else if (event->type == YAML_MAPPING_START_EVENT)
		value = mapping(r, event, depth);
	if (jv_is_valid(value)) {
		value = JV_ARRAY(jv_number((double)line), value);
		if (event->type == YAML_SCALAR_EVENT)
			value = jv_array_append(value,
			    jv_string((const char *)event->data.scalar.value));
	}
	if (a != NULL && jv_is_valid(value)) {
		a->value = jv_copy(value);
		a->nodes = r->nodes - a->nodes;
		a->text = r->text - a->text;
		a->height = r->reach - depth;
	}
out:
	yaml_event_delete(event);
	if (reach > r->reach)
		r->reach = reach;
	return value;
}

/* Is there nothing in the document whose start was the last event? */
static bool
is_empty(struct reader *r)
{
	yaml_event_t event;
	bool empty;

	if (!next(r, &event))
		return false;
	empty = event.type == YAML_SCALAR_EVENT &&
	    event.data.scalar.length == 0 && event.data.scalar.plain_implicit &&
	    event.data.scalar.anchor == NULL;
	yaml_event_delete(&event);
	return empty;
}

/* The node of the stream's first document; others must be empty. */
static jv
stream(struct reader *r)
{
	jv value = JV_ARRAY(jv_number(0), jv_null());
	yaml_event_t event;
	bool seen = false;

	while (next(r, &event)) {
		yaml_event_type_t type = event.type;
		size_t line = event.start_mark.line;

		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT)
			return value;
		if (type != YAML_DOCUMENT_START_EVENT)
			continue;
		if (seen) {
			if (is_empty(r))
				continue;
			fail(r, line, "a second document");
			break;
		}
		seen = true;
		jv_free(value);
		value = next(r, &event) ? node(r, &event, 0) : jv_invalid();
		if (!jv_is_valid(value))
			return value;
	}
	jv_free(value);
	return jv_invalid();
}

/* What is it, if not of its shape? */
static jv
misshapen(struct reader *r, const jv *node, const char *name, const char *shape)
{
	jv where = json_at(node, LINE);
	char *line = json_word(&where);

	fail(r, strtoul(line, NULL, 10), "%.60s is not %s", name, shape);
	free(line);
	jv_free(where);
	return jv_invalid();
}

static const struct yaml_shape *
member(const struct yaml_shape *shape, const char *name)
{
	const struct yaml_member *m = shape->members;

	if (m == NULL)
		return shape->each;
	while (m->name != NULL && strcmp(m->name, name) != 0)
		m++;
	return m->shape;
}

static jv shaped(struct reader *, jv, const struct yaml_shape *, const char *);

static jv
shaped_list(struct reader *r, const jv *list, const struct yaml_shape *each,
    const char *name)
{
	jv to = jv_array(), value;
	char one[80];

	snprintf(one, sizeof(one), "an element of %.60s", name);
	for (size_t i = 0; jv_is_valid(value = json_at(list, i)); i++) {
		value = shaped(r, value, each, one);
		if (!jv_is_valid(value))
			break;
		to = jv_array_append(to, value);
	}
	if (jv_get_kind(r->why) == JV_KIND_NULL) {
		jv_free(value);
		return to;
	}
	jv_free(to);
	return value;
}

static jv
shaped_map(struct reader *r, const jv *map, const struct yaml_shape *shape)
{
	jv to = jv_object(), name, value;
	char *text;

	for (int i = jv_object_iter(*map); jv_object_iter_valid(*map, i);
	     i = jv_object_iter_next(*map, i)) {
		name = jv_object_iter_key(*map, i);
		text = json_word(&name);
		value = shaped(r, jv_object_iter_value(*map, i),
		    shape != NULL ? member(shape, text) : NULL, text);
		free(text);
		if (!jv_is_valid(value)) {
			jv_free(name);
			jv_free(to);
			return value;
		}
		to = jv_object_set(to, name, value);
	}
	return to;
}

/*
 * The value of a node, given, in its shape, or invalid where it has another;
 * null has any.
 */
static jv
shaped(
    struct reader *r, jv node, const struct yaml_shape *shape, const char *name)
{
	enum yaml_kind kind = shape != NULL ? shape->kind : YAML_ANY;
	jv value = json_at(&node, VALUE), text = json_at(&node, TEXT);
	jv_kind is = jv_get_kind(value);
	jv result;

	if (is == JV_KIND_NULL)
		result = jv_null();
	else if (kind == YAML_STRING && !jv_is_valid(text))
		result = misshapen(r, &node, name, "a text");
	else if (kind == YAML_LIST && is != JV_KIND_ARRAY)
		result = misshapen(r, &node, name, "a list");
	else if (kind == YAML_MAP && is != JV_KIND_OBJECT)
		result = misshapen(r, &node, name, "a mapping");
	else if (is == JV_KIND_ARRAY)
		result = shaped_list(
		    r, &value, shape != NULL ? shape->each : NULL, name);
	else if (is == JV_KIND_OBJECT)
		result = shaped_map(r, &value, shape);
	else
		result = jv_copy(kind == YAML_STRING ? text : value);
	jv_free(value);
	jv_free(text);
	jv_free(node);
	return result;
}

jv
yaml_parse(const char *text, size_t length, const struct yaml_shape *shape)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct reader *r;
	jv value;

	if (length > YAML_SIZE)
		return jv_invalid_with_msg(
		    jv_string("line 1: a file of more than 256 KiB"));
	if (length >= sizeof(mark) - 1 &&
	    memcmp(text, mark, sizeof(mark) - 1) == 0) {
		text += sizeof(mark) - 1;
		length -= sizeof(mark) - 1;
	}
	r = xcalloc(1, sizeof(*r));
	if (!yaml_parser_initialize(&r->parser))
		mem_refused();
	r->why = jv_null();
	r->input = text;
	/* Said, so that no mark makes it something else. */
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &r->parser, (const unsigned char *)text, length);
	value = stream(r);
	if (jv_is_valid(value))
		value = shaped(r, value, shape, "the file");
	if (!jv_is_valid(value)) {
		jv_free(value);
		value = jv_invalid_with_msg(jv_copy(r->why));
	}
	yaml_parser_delete(&r->parser);
	for (size_t i = 0; i < r->anchors; i++) {
		free(r->anchor[i].name);
		jv_free(r->anchor[i].value);
	}
	jv_free(r->why);
	free(r);
	return value;
}
