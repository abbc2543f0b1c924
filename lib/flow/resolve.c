/* SPDX-License-Identifier: ISC */
/* The function of tack-resolve: a payload becomes a build and its reference. */
#include <bsd/vis.h>
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ci/provider.h"
#include "ci/seal.h"
#include "data/json.h"
#include "data/record.h"
#include "flow/resolve.h"
#include "store/owner.h"
#include "store/ref.h"

#define PROVIDERS 32

struct resolve {
	struct db *db;
	struct owner owner;
	struct query *save, *complete;
	char *seal_key; /* NULL: the plain triple is enough */
	struct {
		char *name;
		struct provider *provider;
	} known[PROVIDERS];
	size_t count;
};

/* A stranger's text for the log. */
static void
warn_build(const char *id, const char *what)
{
	char *safe;

	if (stravis(&safe, id, VIS_CSTYLE | VIS_WHITE | VIS_NOSLASH) == -1)
		mem_refused();
	warnx("build %s: %s", safe, what);
	free(safe);
}

static struct provider *
provider(struct resolve *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->known[i].name, name) == 0)
			return t->known[i].provider;
	if (t->count == PROVIDERS || strchr(name, '/') != NULL ||
	    (t->known[t->count].provider = provider_load(name)) == NULL)
		return NULL;
	t->known[t->count].name = xstrdup(name);
	return t->known[t->count++].provider;
}

static void
bind_build(struct query *q, const jv *build)
{
	db_bind(q, ":number", json_str(build, "number"));
	db_bind(q, ":org", json_str(build, "org"));
	db_bind(q, ":pipeline", json_str(build, "pipeline"));
	db_bind(q, ":web_url", json_str(build, "web_url"));
}

/* A build that we gave up as late stays late, unless it came to an end. */
static jv
judged(jv build, const char *verdict, const char *reason)
{
	const char *status = json_str(&build, "status");

	if (verdict == NULL || strcmp(verdict, "timeout") != 0 ||
	    status == NULL || strcmp(status, "success") == 0 ||
	    strcmp(status, "failed") == 0)
		return build;
	build = json_set_str(build, "status", verdict);
	return reason == NULL ? build : json_set_str(build, "error", reason);
}

/*
 * The stored reference of a build, invalid if there is none.  It always wins
 * over what the payload claims; a row with a blank learns from the payload.
 */
static jv
stored(struct resolve *t, const char *name, jv *build, const jv *claim)
{
	const char *id = json_str(build, "id");
	struct owner_row row;
	jv ref;

	if (!owner_stored(&t->owner, name, id, &row))
		return jv_invalid();
	*build = judged(*build, row.verdict, row.reason);
	id = json_str(build, "id");
	if (jv_is_valid(*claim) && !ref_same(&row.ref, claim))
		warn_build(id,
		    "claims another reference than the stored one,"
		    " which stands");
	if (row.blanks) {
		db_bind(t->complete, ":provider", name);
		db_bind(t->complete, ":id", id);
		bind_build(t->complete, build);
		db_try(t->db, t->complete);
	}
	ref = jv_copy(row.ref);
	owner_row_free(&row);
	return ref;
}

/* Remember a reconstructed reference; the status goes out all the same. */
static void
save(struct resolve *t, const char *name, const jv *build, const jv *ref)
{
	const char *id = json_str(build, "id");

	db_bind(t->save, ":provider", name);
	db_bind(t->save, ":id", id);
	ref_bind(t->save, ref);
	db_bind_int(t->save, ":attempt", ref_attempt(ref));
	bind_build(t->save, build);
	if (!db_try(t->db, t->save))
		warn_build(id,
		    "its reference is not saved, its status goes"
		    " out");
}

/*
 * The reference of a build that the database does not know; if the build is
 * foreign, invalid, and *why says so.
 */
static jv
reconstructed(struct resolve *t, const char *name, const jv *build,
    const jv *ref, const jv *read, const char **why)
{
	static const struct {
		const char *reason, *warning;
	} foreign[] = {
		[OWNER_NO_REF] = { "no reference of ours in the build", NULL },
		[OWNER_NO_SEAL] = { "no valid seal",
		    "has a reference but not our seal" },
		[OWNER_TAKEN] = { "another build answers for the workflow",
		    "claims a workflow that another build answers for" },
		[OWNER_REBUILD] = { "the workflow waits for a rebuild",
		    "claims a workflow that waits for a rebuild" },
		[OWNER_OLD] = { "the seal is of an earlier attempt",
		    "has the seal of an earlier attempt" },
	};
	struct owner_claim claim = { name, json_str(build, "id"),
		json_str(build, "parent"), ref, OWNER_ANY, 0 };
	enum owner_how how;
	jv found;

	if (t->seal_key != NULL)
		claim.attempt = seal_attempt(t->seal_key, name,
		    provider(t, name), read, &claim.sealed_at);
	how = owner_find(&t->owner, &claim, &found);
	*why = foreign[how].reason;
	if (foreign[how].warning != NULL)
		warn_build(claim.id, foreign[how].warning);
	return found;
}

static jv
resolve(struct resolve *t, jv rec, const char *name, jv read)
{
	jv build = json_get(&read, "build"), claim = json_get(&read, "ref");
	const char *why = NULL;
	jv ref;

	if (json_str(&build, "id") == NULL) {
		rec = record_settle(rec, RECORD_MALFORMED, "no build id");
		goto out;
	}
	ref = stored(t, name, &build, &claim);
	if (!jv_is_valid(ref)) {
		jv_free(ref);
		ref = reconstructed(t, name, &build, &claim, &read, &why);
		if (!jv_is_valid(ref)) {
			jv_free(ref);
			rec = record_settle(rec, RECORD_FOREIGN, why);
			goto out;
		}
		save(t, name, &build, &ref);
	}
	rec = json_drop(rec, "payload");
	rec = json_set(rec, "build", jv_copy(build));
	rec = json_set(rec, "ref", ref);
out:
	jv_free(build);
	jv_free(claim);
	jv_free(read);
	return rec;
}

/* Does tack-poll say itself whose build it is, and what became of it? */
static bool
resolved(const jv *rec)
{
	jv ref = json_get(rec, "ref"), build = json_get(rec, "build");
	bool whole = ref_whole(&ref) && jv_get_kind(build) == JV_KIND_OBJECT;

	jv_free(ref);
	jv_free(build);
	return whole;
}

jv
resolve_payload(struct resolve *t, jv rec, const char *payload, size_t length)
{
	const char *name = json_str(&rec, "provider");
	const char *event = json_str(&rec, "event");
	struct provider *p;

	if (name == NULL || event == NULL)
		return record_settle(
		    rec, RECORD_MALFORMED, "no provider, event, payload");
	if ((p = provider(t, name)) == NULL)
		return record_settle(rec, RECORD_MALFORMED, "no such provider");
	if (!provider_knows(p, event))
		return record_settle(
		    rec, RECORD_IGNORED, "an event that tells of no build");
	return resolve(t, rec, name, provider_read(p, payload, length));
}

jv
resolve_record(jv rec, void *arg)
{
	const char *payload = json_str(&rec, "payload");

	if (payload != NULL)
		return resolve_payload(arg, rec, payload, strlen(payload));
	if (resolved(&rec))
		return rec;
	return record_settle(
	    rec, RECORD_MALFORMED, "no provider, event, payload");
}

struct resolve *
resolve_open(struct db *db)
{
	struct resolve *t = xcalloc(1, sizeof(*t));

	t->db = db;
	t->seal_key = seal_required();
	owner_prepare(&t->owner, t->db);
	t->save = db_query(t->db, "save build mapping",
	    "INSERT INTO build (provider, build_id, knot, pipeline_rkey,"
	    " workflow, attempt, number, org, pipeline, web_url)"
	    " VALUES (:provider, :id, :knot, :rkey, :workflow,"
	    " :attempt, :number, :org, :pipeline, :web_url)"
	    " ON CONFLICT DO UPDATE"
	    " SET build_id = coalesce(build_id, excluded.build_id),"
	    " number = coalesce(number, excluded.number),"
	    " org = coalesce(org, excluded.org),"
	    " pipeline = coalesce(pipeline, excluded.pipeline),"
	    " web_url = coalesce(web_url, excluded.web_url)");
	t->complete = db_query(t->db, "complete build mapping",
	    "UPDATE build"
	    " SET number = coalesce(number, :number),"
	    " org = coalesce(org, :org),"
	    " pipeline = coalesce(pipeline, :pipeline),"
	    " web_url = coalesce(web_url, :web_url)"
	    " WHERE provider = :provider AND build_id = :id");
	return t;
}

void
resolve_close(struct resolve *t)
{
	for (size_t i = 0; i < t->count; i++) {
		provider_free(t->known[i].provider);
		free(t->known[i].name);
	}
	free(t->seal_key);
	free(t);
}
