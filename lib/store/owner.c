/* SPDX-License-Identifier: ISC */
/* Whose build is it? The one place that decides. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "data/json.h"
#include "store/owner.h"
#include "store/ref.h"

/* An attempt that may be without a build. */
struct attempt {
	const char *provider;
	const char *id; /* of its build, or NULL */
	const char *parent; /* of the build before it, or NULL */
	int64_t attempt, created_at;
};

void
owner_prepare(struct owner *o, struct db *db)
{
	o->stored = db_query(db, "look up a build by its id",
	    "SELECT knot, pipeline_rkey, workflow, attempt,"
	    " number IS NULL OR org IS NULL OR pipeline IS NULL"
	    " OR web_url IS NULL, verdict, reason"
	    " FROM build WHERE provider = :provider AND build_id = :id");
	o->waits = db_query(db, "look up what waits for a rebuild",
	    "SELECT b.knot, b.pipeline_rkey, b.workflow, b.attempt"
	    " FROM build AS p JOIN build AS b"
	    " USING (provider, knot, pipeline_rkey, workflow)"
	    " WHERE p.provider = :provider AND p.build_id = :parent"
	    " AND b.attempt = p.attempt + 1 AND b.build_id IS NULL");
	o->newest = db_query(db, "look up a workflow's newest attempt",
	    "SELECT b.provider, b.build_id, p.build_id, b.attempt,"
	    " b.created_at"
	    " FROM build AS b LEFT JOIN build AS p"
	    " ON p.knot = b.knot AND p.pipeline_rkey = b.pipeline_rkey"
	    " AND p.workflow = b.workflow AND p.attempt = b.attempt - 1"
	    " WHERE b.knot = :knot AND b.pipeline_rkey = :rkey"
	    " AND b.workflow = :workflow"
	    " ORDER BY b.attempt DESC LIMIT 1");
}

static char *
copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

bool
owner_stored(struct owner *o, const char *provider, const char *id,
    struct owner_row *row)
{
	struct query *q = o->stored;

	db_bind(q, ":provider", provider);
	db_bind(q, ":id", id);
	if (!db_step(q))
		return false;
	row->ref =
	    ref_new(db_text(q, 0), db_text(q, 1), db_text(q, 2), db_int(q, 3));
	row->blanks = db_int(q, 4) != 0;
	row->verdict = copy(db_text(q, 5));
	row->reason = copy(db_text(q, 6));
	db_reset(q);
	return true;
}

void
owner_row_free(struct owner_row *row)
{
	jv_free(row->ref);
	free(row->verdict);
	free(row->reason);
}

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/*
 * The seal of a build that was asked for before the attempt was intended is
 * not the attempt's.  An attempt of a time to come is one of a clock that was
 * ahead, and says nothing.
 */
static bool
is_old(const struct attempt *a, const struct owner_claim *claim)
{
	return claim->attempt < a->attempt ||
	    (claim->sealed_at != 0 && claim->sealed_at < a->created_at &&
		a->created_at <= time(NULL));
}

/* May the attempt have the build of the claim? */
static enum owner_how
judge(const struct attempt *a, const struct owner_claim *claim)
{
	if (a->id != NULL && !same(a->id, claim->id))
		return OWNER_TAKEN;
	if (a->parent != NULL)
		return same(a->parent, claim->parent) ? OWNER_OURS :
							OWNER_REBUILD;
	if (!jv_is_valid(*claim->ref))
		return OWNER_NO_REF;
	if (claim->attempt == 0)
		return OWNER_NO_SEAL;
	if (!same(a->provider, claim->provider))
		return OWNER_TAKEN;
	if (claim->attempt != OWNER_ANY && is_old(a, claim))
		return OWNER_OLD;
	return OWNER_OURS;
}

/* The attempt that waits for the rebuild that this is; invalid if none does. */
static jv
rebuilt(struct owner *o, const struct owner_claim *claim)
{
	struct query *q = o->waits;
	jv ref;

	if (claim->parent == NULL)
		return jv_invalid();
	db_bind(q, ":provider", claim->provider);
	db_bind(q, ":parent", claim->parent);
	if (!db_step(q))
		return jv_invalid();
	ref =
	    ref_new(db_text(q, 0), db_text(q, 1), db_text(q, 2), db_int(q, 3));
	db_reset(q);
	return ref;
}

enum owner_how
owner_find(struct owner *o, const struct owner_claim *claim, jv *ref)
{
	enum owner_how how = OWNER_OURS;
	struct query *q = o->newest;
	int64_t attempt = claim->attempt;

	*ref = rebuilt(o, claim);
	if (jv_is_valid(*ref))
		return OWNER_OURS;
	if (!jv_is_valid(*claim->ref))
		return OWNER_NO_REF;
	if (attempt == 0)
		return OWNER_NO_SEAL;
	ref_bind(q, claim->ref);
	if (db_step(q)) {
		struct attempt a = { db_text(q, 0), db_text(q, 1),
			db_text(q, 2), db_int(q, 3), db_int(q, 4) };

		how = judge(&a, claim);
		if (attempt == OWNER_ANY)
			attempt = a.attempt;
		db_reset(q);
	}
	if (how == OWNER_OURS) {
		jv_free(*ref);
		*ref = ref_new(json_str(claim->ref, "knot"),
		    json_str(claim->ref, "pipeline_rkey"),
		    json_str(claim->ref, "workflow"),
		    attempt == OWNER_ANY ? 1 : attempt);
	}
	return how;
}

bool
owner_fits(const jv *row, const struct owner_claim *claim)
{
	jv ref = json_get(row, "ref"), parent = json_get(row, "parent");
	struct attempt a = { json_str(row, "provider"), NULL,
		json_str(&parent, "id"), ref_attempt(&ref),
		json_int(row, "created_at", 0) };
	bool fits = judge(&a, claim) == OWNER_OURS;

	if (fits && a.parent == NULL)
		fits = ref_same(&ref, claim->ref) &&
		    (claim->attempt == OWNER_ANY ||
			claim->attempt == a.attempt);
	jv_free(ref);
	jv_free(parent);
	return fits;
}
