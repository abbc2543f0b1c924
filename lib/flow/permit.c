/* SPDX-License-Identifier: ISC */
/* Who may have what built, decided once in front of all providers. */
#include <err.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "data/json.h"
#include "flow/permit.h"

enum pulls { PULLS_OFF, PULLS_MEMBERS, PULLS_ALL };

/* A line of the file: "pull buildkite acme/lantern-* did:plc:...". */
struct rule {
	bool pull; /* else of a push */
	char *provider;
	char *place; /* a pattern of fnmatch(3) */
	char *owner; /* of the repository, NULL for any */
};

struct permit {
	enum pulls pulls;
	const char *operator; /* NULL if nobody is named */
	const char *file; /* NULL: nothing is listed */
	struct rule *rule;
	size_t rules;
	struct query *member, *tenants, *note;
};

static enum pulls
pulls_wanted(void)
{
	static const char *const words[] = { "off", "members", "all" };
	const char *value = getenv("TACK_PULLS");

	if (getenv("TACK_LOCAL_PULLS") != NULL)
		errx(EX_CONFIG,
		    "TACK_LOCAL_PULLS: is no more; TACK_PULLS says whose pull"
		    " requests are built, by any CI");
	if (value == NULL || *value == '\0')
		return PULLS_OFF;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(value, words[i]) == 0)
			return (enum pulls)i;
	errx(EX_CONFIG, "TACK_PULLS: not off, members or all");
}

/* The next word of a line, moved past; NULL if there is none. */
static char *
next_word(char **line)
{
	char *word;

	while ((word = strsep(line, " \t")) != NULL && *word == '\0')
		continue;
	return word;
}

static void
add_rule(struct permit *p, char *line, size_t number)
{
	char *kind = next_word(&line), *provider, *place, *owner;
	struct rule *r;

	if (kind == NULL || *kind == '#')
		return;
	provider = next_word(&line);
	place = next_word(&line);
	owner = next_word(&line);
	if (place == NULL || next_word(&line) != NULL ||
	    (owner != NULL && strncmp(owner, "did:", 4) != 0) ||
	    (strcmp(kind, "push") != 0 && strcmp(kind, "pull") != 0))
		errx(EX_CONFIG,
		    "%s: line %zu: not \"push|pull provider place [owner]\"",
		    p->file, number);
	p->rule = xreallocarray(p->rule, p->rules + 1, sizeof(*p->rule));
	r = &p->rule[p->rules++];
	r->pull = strcmp(kind, "pull") == 0;
	r->provider = xstrdup(provider);
	r->place = xstrdup(place);
	r->owner = owner != NULL ? xstrdup(owner) : NULL;
}

static void
read_rules(struct permit *p)
{
	size_t number = 0, size = 0;
	char *line = NULL;
	FILE *f;

	if ((p->file = getenv("TACK_ALLOW_FILE")) == NULL || *p->file == '\0') {
		p->file = NULL;
		return;
	}
	if ((f = fopen(p->file, "re")) == NULL)
		err(EX_CONFIG, "TACK_ALLOW_FILE: %s", p->file);
	while (getline(&line, &size, f) != -1) {
		line[strcspn(line, "\r\n")] = '\0';
		add_rule(p, line, ++number);
	}
	if (ferror(f))
		err(EX_CONFIG, "TACK_ALLOW_FILE: %s", p->file);
	free(line);
	fclose(f);
}

struct permit *
permit_open(struct db *db)
{
	struct permit *p = xcalloc(1, sizeof(*p));

	p->pulls = pulls_wanted();
	p->operator= getenv("TACK_OWNER_DID");
	if (p->operator!= NULL && * p->operator== '\0')
		p->operator= NULL;
	read_rules(p);
	p->member = db_query(
	    db, "look up a member", "SELECT 1 FROM member WHERE did = :did");
	p->tenants = db_query(db, "count the owners of repositories",
	    "SELECT count(*) FROM (SELECT did FROM tenant"
	    " WHERE did <> :did LIMIT 1)");
	p->note = db_query(db, "note an owner of repositories",
	    "INSERT INTO tenant (did) VALUES (:did) ON CONFLICT DO NOTHING");
	return p;
}

void
permit_close(struct permit *p)
{
	for (size_t i = 0; i < p->rules; i++) {
		free(p->rule[i].provider);
		free(p->rule[i].place);
		free(p->rule[i].owner);
	}
	free(p->rule);
	free(p);
}

static bool
is_pull(const jv *task)
{
	return json_true(task, "from_other");
}

static bool
is_operator(const struct permit *p, const char *did)
{
	return did != NULL &&
	    p->operator!= NULL && strcmp(did, p->operator) == 0;
}

/* Has the query a row for the DID? */
static bool
found(struct query *q, const char *did)
{
	bool there;

	db_bind(q, ":did", did);
	if ((there = db_step(q)))
		db_reset(q);
	return there;
}

const char *
permit_refused(struct permit *p, const jv *task)
{
	const char *author = json_str(task, "author");

	if (!is_pull(task) || p->pulls == PULLS_ALL)
		return NULL;
	if (p->pulls == PULLS_OFF)
		return "pull requests are not built here: TACK_PULLS is off";
	if (author == NULL)
		return "a pull request that names no author, and TACK_PULLS is"
		       " members";
	if (is_operator(p, author) || found(p->member, author))
		return NULL;
	return "a pull request of somebody who is no member";
}

struct choice {
	const jv *options;
	jv kept;
};

static void
keep_option(jv name, void *arg)
{
	struct choice *c = arg;
	char *word = json_word(&name);
	jv value = json_get(c->options, word);

	if (jv_is_valid(value))
		c->kept = json_set(c->kept, word, value);
	else
		jv_free(value);
	free(word);
	jv_free(name);
}

jv
permit_options(jv task, const struct provider *provider)
{
	jv options, harmless;
	struct choice c;

	if (!is_pull(&task))
		return task;
	options = json_get(&task, "options");
	c = (struct choice){ &options, jv_object() };
	harmless = provider_member(provider, "pull_options");
	if (jv_get_kind(options) == JV_KIND_OBJECT &&
	    jv_get_kind(harmless) == JV_KIND_ARRAY)
		json_each(&harmless, keep_option, &c);
	jv_free(harmless);
	if (jv_get_kind(options) != JV_KIND_OBJECT) {
		/* Of a wrong shape: the provider says so. */
		jv_free(c.kept);
		c.kept = jv_copy(options);
	}
	jv_free(options);
	return json_set(task, "options", c.kept);
}

static bool
listed(const struct permit *p, bool pull, const char *provider,
    const char *place, const char *owner)
{
	for (size_t i = 0; i < p->rules; i++) {
		const struct rule *r = &p->rule[i];

		if (r->pull == pull && strcmp(r->provider, provider) == 0 &&
		    (r->owner == NULL ||
			(owner != NULL && strcmp(r->owner, owner) == 0)) &&
		    fnmatch(r->place, place, FNM_PATHNAME | FNM_NOESCAPE) == 0)
			return true;
	}
	return false;
}

/* Are there repositories of anybody but this owner? */
static bool
others(struct permit *p, const char *owner)
{
	bool any = false;

	db_bind(p->tenants, ":did", owner != NULL ? owner : "");
	while (db_step(p->tenants))
		any = db_int(p->tenants, 0) > 0;
	return any;
}

char *
permit_place(struct permit *p, const jv *task, const char *provider,
    const struct provider *description)
{
	bool pull = is_pull(task), allowed;
	jv repo = json_get(task, "repo"), place = json_get(task, "place");
	const char *owner = json_str(&repo, "did");
	const char *org = json_str(&place, "org");
	const char *pipeline = json_str(&place, "pipeline");
	char *where, *why = NULL;
	jv own = provider_member(description, "place");

	where = xasprintf(
	    "%s/%s", org != NULL ? org : "", pipeline != NULL ? pipeline : "");
	if (jv_get_kind(own) == JV_KIND_STRING)
		allowed = true; /* "own": nothing of the operator's is named */
	else if (!pull && is_operator(p, owner))
		allowed = true;
	else if (p->file != NULL || pull)
		allowed = listed(p, pull, provider, where, owner);
	else
		allowed = !others(p, owner);
	if (!allowed)
		why = xasprintf("%s may not be named by this %s; the operator"
				" lists what may be (TACK_ALLOW_FILE)",
		    where, pull ? "pull request" : "repository");
	jv_free(own);
	free(where);
	jv_free(place);
	jv_free(repo);
	return why;
}

void
permit_note(struct permit *p, const jv *task)
{
	jv repo = json_get(task, "repo");
	const char *owner = json_str(&repo, "did");

	if (owner != NULL) {
		db_bind(p->note, ":did", owner);
		while (db_step(p->note))
			continue;
	}
	jv_free(repo);
}
