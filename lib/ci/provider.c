/* SPDX-License-Identifier: ISC */
/* One CI as data: reading its payloads. */
#include <ctype.h>
#include <err.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <bsd/stdlib.h>

#include <jq.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/share.h"
#include "ci/program.h"
#include "ci/provider.h"
#include "ci/template.h"
#include "data/check.h"
#include "data/json.h"

#define PATH_DEPTH 8
#define FIELDS 24
#define WANTS 48
#define PARTS 8

/* A value to read: the first of its paths that leads to one. */
struct field {
	char *name;
	size_t first, count; /* of its wants */
	bool is_ref;
};

/* A part of the state: a field's value, or what a program makes of it. */
struct part {
	struct field field;
	char *program; /* NULL: the value itself */
	jq_state *jq; /* compiled at its first use: that takes 15 ms */
};

struct provider {
	char *file;
	jv config;
	struct check_want wants[WANTS];
	size_t nwants;
	struct field event, field[FIELDS];
	size_t fields;
	struct part part[PARTS];
	size_t parts;
	char **pattern, **status; /* the table, in order */
	size_t statuses;
	char **events;
	size_t nevents;
	char *url, *origin;
};

static _Noreturn void
wrong(const struct provider *p, const char *member)
{
	errx(EX_CONFIG, "%s: wrong or missing: %s", p->file, member);
}

static char *
member_word(const jv *object, const char *name)
{
	jv value = json_get(object, name);
	char *text = json_word(&value);

	jv_free(value);
	return text;
}

struct strings {
	const struct provider *provider;
	const char *member;
	char **list;
	size_t count, most;
};

static void
add_string(jv value, void *arg)
{
	struct strings *s = arg;

	if (s->count == s->most || jv_get_kind(value) != JV_KIND_STRING ||
	    (s->list[s->count] = json_word(&value)) == NULL)
		wrong(s->provider, s->member);
	s->count++;
	jv_free(value);
}

static void
add_path(struct provider *p, struct field *f, const jv *path)
{
	char **names = xcalloc(PATH_DEPTH + 1, sizeof(*names));
	struct strings s = { p, f->name, names, 0, PATH_DEPTH };

	if (p->nwants == WANTS)
		wrong(p, f->name);
	json_each(path, add_string, &s);
	p->wants[p->nwants++].path = (const char *const *)names;
	f->count++;
}

struct alternatives {
	struct provider *provider;
	struct field *field;
	size_t paths;
};

static void
add_alternative(jv value, void *arg)
{
	struct alternatives *a = arg;

	if (jv_get_kind(value) == JV_KIND_ARRAY) {
		add_path(a->provider, a->field, &value);
		a->paths++;
	}
	jv_free(value);
}

/* A path, ["build", "id"], or several, [["a"], ["b", "c"]]. */
static void
field_load(
    struct provider *p, struct field *f, const char *name, const jv *value)
{
	struct alternatives a = { p, f, 0 };

	f->name = xstrdup(name);
	f->first = p->nwants;
	if (jv_get_kind(*value) != JV_KIND_ARRAY)
		wrong(p, name);
	json_each(value, add_alternative, &a);
	if (a.paths == 0)
		add_path(p, f, value);
}

struct group {
	struct provider *provider;
	const jv *object;
	bool is_ref;
};

static void
add_field(jv key, void *arg)
{
	struct group *g = arg;
	struct provider *p = g->provider;
	char *name = json_word(&key);
	jv value = json_get(g->object, name);

	if (p->fields == FIELDS)
		wrong(p, name);
	p->field[p->fields].is_ref = g->is_ref;
	field_load(p, &p->field[p->fields++], name, &value);
	jv_free(value);
	jv_free(key);
	free(name);
}

static void
group_load(struct provider *p, const char *member, bool is_ref)
{
	jv object = json_get(&p->config, member);
	struct group g = { p, &object, is_ref };
	jv keys;

	if (jv_get_kind(object) != JV_KIND_OBJECT)
		wrong(p, member);
	keys = jv_keys(jv_copy(object));
	json_each(&keys, add_field, &g);
	jv_free(keys);
	jv_free(object);
}

static void
add_part(jv value, void *arg)
{
	struct provider *p = arg;
	struct part *part = &p->part[p->parts++];
	jv path;

	if (p->parts > PARTS)
		wrong(p, "state");
	if (jv_get_kind(value) == JV_KIND_OBJECT) {
		path = json_get(&value, "if");
		if ((part->program = member_word(&value, "jq")) == NULL)
			wrong(p, "state");
	} else
		path = jv_copy(value);
	field_load(p, &part->field, "state", &path);
	jv_free(path);
	jv_free(value);
}

static void
add_status(jv value, void *arg)
{
	struct provider *p = arg;
	char *pair[2];
	struct strings s = { p, "status", pair, 0, 2 };

	if (jv_get_kind(value) != JV_KIND_ARRAY)
		wrong(p, "status");
	json_each(&value, add_string, &s);
	if (s.count != 2)
		wrong(p, "status");
	p->pattern = xreallocarray(p->pattern, p->statuses + 1, sizeof(char *));
	p->status = xreallocarray(p->status, p->statuses + 1, sizeof(char *));
	p->pattern[p->statuses] = pair[0];
	p->status[p->statuses++] = pair[1];
	jv_free(value);
}

static void
each(struct provider *p, const char *member, void (*fn)(jv, void *), void *arg)
{
	jv list = json_get(&p->config, member);

	if (jv_get_kind(list) != JV_KIND_ARRAY)
		wrong(p, member);
	json_each(&list, fn, arg);
	jv_free(list);
}

char *
provider_variable(const char *name, const char *suffix)
{
	char *text;

	text = xasprintf("TACK_%s_%s", name, suffix);
	for (char *c = text; *c != '\0'; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return text;
}

struct provider *
provider_load(const char *name)
{
	struct provider *p = xcalloc(1, sizeof(*p));
	char *relative, *text;
	ssize_t at;
	jv event;

	relative = xasprintf("providers/%s/provider.json", name);
	p->file = share_path(relative);
	free(relative);
	if ((text = share_text(p->file)) == NULL) {
		free(p->file);
		free(p);
		return NULL;
	}
	if ((at = check_json(text, strlen(text), NULL, 0)) != -1)
		errx(EX_CONFIG, "%s: %s at byte %zd", p->file,
		    check_why(text, strlen(text), at), at + 1);
	p->config = json_parse(text, strlen(text));
	free(text);

	event = json_get(&p->config, "event");
	field_load(p, &p->event, "event", &event);
	jv_free(event);
	p->events = xcalloc(FIELDS, sizeof(char *));
	struct strings s = { p, "events", p->events, 0, FIELDS };
	each(p, "events", add_string, &s);
	p->nevents = s.count;
	group_load(p, "build", false);
	group_load(p, "ref", true);
	each(p, "state", add_part, p);
	each(p, "status", add_status, p);
	p->url = member_word(&p->config, "url");
	p->origin = member_word(&p->config, "origin");
	return p;
}

static void
strings_free(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

void
provider_free(struct provider *p)
{
	for (size_t i = 0; i < p->nwants; i++) {
		char **names = (char **)p->wants[i].path;

		for (size_t j = 0; names[j] != NULL; j++)
			free(names[j]);
		free(names);
	}
	for (size_t i = 0; i < p->fields; i++)
		free(p->field[i].name);
	for (size_t i = 0; i < p->parts; i++) {
		free(p->part[i].field.name);
		free(p->part[i].program);
		jq_teardown(&p->part[i].jq);
	}
	free(p->event.name);
	strings_free(p->pattern, p->statuses);
	strings_free(p->status, p->statuses);
	strings_free(p->events, p->nevents);
	jv_free(p->config);
	free(p->url);
	free(p->origin);
	free(p->file);
	free(p);
}

jv
provider_member(const struct provider *p, const char *member)
{
	return json_get(&p->config, member);
}

int64_t
provider_int(const struct provider *p, const char *member, int64_t otherwise,
    int64_t least, int64_t most)
{
	jv value = provider_member(p, member);
	char *word = json_word(&value);
	const char *problem = NULL;
	int64_t n = otherwise;

	if (jv_is_valid(value))
		n = strtonum(word != NULL ? word : "", least, most, &problem);
	if (problem != NULL)
		errx(EX_CONFIG,
		    "%s: %s: not a number from %" PRId64 " to %" PRId64,
		    p->file, member, least, most);
	free(word);
	jv_free(value);
	return n;
}

jv
provider_auth(const struct provider *p, const char *mode)
{
	jv auth = json_get(&p->config, "auth"), scheme;
	char *own = member_word(&p->config, "mode");

	if (mode == NULL)
		mode = own;
	scheme = mode == NULL ? jv_invalid() : json_get(&auth, mode);
	jv_free(auth);
	free(own);
	return scheme;
}

bool
provider_knows(const struct provider *p, const char *event)
{
	for (size_t i = 0; i < p->nevents; i++)
		if (fnmatch(p->events[i], event, 0) == 0)
			return true;
	return false;
}

/* The first value of a field's alternatives; its text is NULL for none. */
static struct check_span
field_span(const struct field *f, const struct check_want *wants)
{
	for (size_t i = f->first; i < f->first + f->count; i++)
		if (wants[i].value.text != NULL && *wants[i].value.text != 'n')
			return wants[i].value;
	return (struct check_span){ NULL, 0 };
}

static char *
field_word(const struct field *f, const struct check_want *wants)
{
	struct check_span span = field_span(f, wants);

	return span.text == NULL ? NULL : json_span_word(&span);
}

/* Fit for a reference: not empty, and free of control characters. */
static bool
printable(const char *text)
{
	if (text == NULL || *text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

/* A part's word, "" if it has none; NULL if no word can be part of a state. */
static char *
part_word(struct part *part, const struct check_want *wants)
{
	struct check_span span = field_span(&part->field, wants);
	char *text;
	jv value;

	if (span.text == NULL)
		text = xstrdup("");
	else if (part->program == NULL)
		text = json_span_word(&span);
	else {
		if (part->jq == NULL) {
			part->jq = program_jq();
			if (!jq_compile(part->jq, part->program))
				errx(EX_CONFIG,
				    "state: program does not compile");
		}
		jq_start(part->jq, json_parse(span.text, span.length), 0);
		value = jq_next(part->jq);
		text = jv_is_valid(value) ? json_word(&value) : xstrdup("");
		jv_free(value);
	}
	if (text != NULL && strchr(text, '/') != NULL) {
		free(text);
		text = NULL;
	}
	return text;
}

/* The Tangled status of the payload's state, or NULL. */
static const char *
read_status(struct provider *p, const struct check_want *wants)
{
	struct bytes state = { NULL, 0, 0 };
	const char *status = NULL;
	bool whole = true;
	char *text;

	for (size_t i = 0; i < p->parts; i++) {
		if ((text = part_word(&p->part[i], wants)) == NULL) {
			whole = false;
			continue;
		}
		bytes_add(&state, "/", i > 0 ? 1 : 0);
		bytes_add(&state, text, strlen(text));
		free(text);
	}
	bytes_add(&state, "", 1);
	for (size_t i = 0; whole && status == NULL && i < p->statuses; i++)
		if (fnmatch(p->pattern[i], state.text, FNM_PATHNAME) == 0)
			status = p->status[i];
	bytes_free(&state);
	return status;
}

jv
provider_read(struct provider *p, const char *payload, size_t length)
{
	struct check_want wants[WANTS];
	jv build = jv_object(), ref = jv_object(), out = jv_object();
	const char *status, *url;
	char *text;

	memcpy(wants, p->wants, sizeof(wants));
	if (check_json(payload, length, wants, p->nwants) != -1) {
		jv_free(build);
		jv_free(ref);
		return out;
	}
	for (size_t i = 0; i < p->fields; i++) {
		const struct field *f = &p->field[i];
		struct check_span span = field_span(f, wants);

		/* A name that is no string is no name; other ids may be
		 * numbers. */
		text = span.text == NULL || (f->is_ref && *span.text != '"') ?
		    NULL :
		    json_span_word(&span);
		if (!f->is_ref && text != NULL && *text != '\0')
			build = json_set_str(build, f->name, text);
		else if (f->is_ref && strcmp(f->name, "seal") == 0 &&
		    text != NULL)
			out = json_set_str(out, "seal", text);
		else if (f->is_ref && strcmp(f->name, "seal") != 0 &&
		    printable(text))
			ref = json_set_str(ref, f->name, text);
		free(text);
	}
	if ((url = json_str(&build, "url")) != NULL && p->url != NULL)
		build = template_match(p->url, url, build);
	if ((status = read_status(p, wants)) != NULL)
		build = json_set_str(build, "status", status);
	if ((text = field_word(&p->event, wants)) != NULL)
		out = json_set_str(out, "event", text);
	free(text);
	if (json_str(&ref, "knot") != NULL &&
	    json_str(&ref, "pipeline_rkey") != NULL &&
	    json_str(&ref, "workflow") != NULL)
		out = json_set(out, "ref", ref);
	else
		jv_free(ref);
	return json_set(out, "build", build);
}

char *
provider_event(const struct provider *p, const char *payload, size_t length,
    ssize_t *wrong)
{
	struct check_want wants[WANTS];

	/* The paths to the event are the first. */
	memcpy(wants, p->wants, p->event.count * sizeof(*wants));
	*wrong = check_json(payload, length, wants, p->event.count);
	return *wrong == -1 ? field_word(&p->event, wants) : NULL;
}

char *
provider_origin(const struct provider *p, const jv *build)
{
	return template_fill(p->origin != NULL ? p->origin : "", build);
}
