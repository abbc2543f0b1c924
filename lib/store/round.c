/* SPDX-License-Identifier: ISC */
/* A round of asking: what of the database it looks at, and what it notes. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "data/json.h"
#include "store/round.h"

#define QUIET (7 * 24 * 60 * 60) /* so long is a place without builds asked */

void
round_prepare(struct round *r, struct builds *builds)
{
	struct db *db = builds->db;

	r->db = db;
	r->builds = builds;
	/* Those that began since the last round, and those that are open. */
	r->seen = db_query(db, "note where builds are",
	    "INSERT INTO place (provider, org, pipeline, build, seen_at)"
	    " SELECT provider, coalesce(org, ''), coalesce(pipeline, ''),"
	    " max(id), max(iif(id IN " BUILD_WATCHED
	    ", :now, min(created_at, :now)))"
	    " FROM build"
	    " WHERE (id IN " BUILD_WATCHED
	    " OR id > (SELECT coalesce(max(build), 0) FROM place"
	    " WHERE build <= (SELECT max(id) FROM build)))"
	    " AND (build_id IS NOT NULL OR sent_at IS NOT NULL)"
	    " GROUP BY 1, 2, 3"
	    " ON CONFLICT DO UPDATE SET build = max(build, excluded.build),"
	    " seen_at = max(min(seen_at, :now), excluded.seen_at)");
	r->providers = db_query(db, "list providers",
	    "SELECT provider FROM place WHERE seen_at > :since"
	    " UNION SELECT provider FROM build WHERE NOT ended"
	    " ORDER BY provider");
	r->accounts = db_query(db, "list accounts",
	    "SELECT org, build FROM place"
	    " WHERE provider = :provider AND seen_at > :since"
	    " ORDER BY org, pipeline");
	r->verdicts = db_query(db, "list unsaid verdicts",
	    "SELECT id FROM build AS r"
	    " WHERE provider = :provider AND NOT ended"
	    " AND verdict IS NOT NULL AND " BUILD_R_IS_NEWEST);
	r->last = db_query(db, "look up the last round",
	    "SELECT at FROM poll WHERE account = :account");
	r->done = db_query(db, "note a round",
	    "INSERT INTO poll VALUES (:account, :at)"
	    " ON CONFLICT DO UPDATE SET at = excluded.at");
	r->open = db_query(db, "list open builds",
	    "SELECT r.id, r.created_at,"
	    " max(r.created_at, iif(s.attempt = r.attempt,"
	    " iif(published_at > 0, published_at, s.created_at) / 1000, 0)),"
	    " missing_at, s.held, r.build_id,"
	    " iif(s.attempt = r.attempt, s.status, NULL)"
	    " FROM build AS r"
	    " LEFT JOIN status AS s USING (pipeline_rkey, knot, workflow)"
	    " WHERE r.id IN " BUILD_WATCHED " AND " BUILD_R_IS_NEWEST
	    " AND provider = :provider AND coalesce(org, '') = :org"
	    " AND build_id IS NOT NULL AND (NOT ended AND verdict IS NULL OR s.ask)"
	    " ORDER BY not_before, r.id");
	r->stray = db_query(db, "look up a build of a cancelled run",
	    "SELECT id FROM build"
	    " WHERE provider = :provider AND build_id = :id"
	    " AND verdict = 'cancelled'"
	    " AND not_before NOT BETWEEN :now + 1 AND :now + :longest");
	r->asked = db_query(db, "note that a build was asked for",
	    "UPDATE build SET not_before = :at WHERE id = :row");
	r->missing = db_query(db, "note that a build is missing",
	    "UPDATE build SET missing_at = :at WHERE id = :row");
	r->found = db_query(db, "note that a build is there again",
	    "UPDATE build SET missing_at = NULL,"
	    " reason = iif(verdict = 'failed', NULL, reason),"
	    " verdict = nullif(verdict, 'failed')"
	    " WHERE id = :row");
}

jv
round_providers(struct round *r)
{
	int64_t now = clock_now() / 1000;
	jv names = jv_array();

	build_heal(r->builds);
	db_bind_int(r->seen, ":now", now);
	db_try(r->db, r->seen);
	db_bind_int(r->providers, ":since", now - QUIET);
	while (db_step(r->providers))
		names =
		    jv_array_append(names, jv_string(db_text(r->providers, 0)));
	return names;
}

jv
round_accounts(struct round *r, const char *provider)
{
	struct query *q = r->accounts;
	jv all = jv_object(), row;

	db_bind(q, ":provider", provider);
	db_bind_int(q, ":since", clock_now() / 1000 - QUIET);
	while (db_step(q)) {
		const char *org = db_text(q, 0);
		jv builds = json_get(&all, org);

		if (!jv_is_valid(builds)) {
			jv_free(builds);
			builds = jv_array();
		}
		row = build_row(r->builds, db_int(q, 1));
		all = json_set(
		    all, org, jv_array_append(builds, json_get(&row, "build")));
		jv_free(row);
	}
	return all;
}

jv
round_verdicts(struct round *r, const char *provider)
{
	jv rows = jv_array();

	db_bind(r->verdicts, ":provider", provider);
	while (db_step(r->verdicts))
		rows = jv_array_append(
		    rows, build_row(r->builds, db_int(r->verdicts, 0)));
	return rows;
}

int64_t
round_last(struct round *r, const char *account)
{
	int64_t at = -1;

	db_bind(r->last, ":account", account);
	if (db_step(r->last)) {
		at = db_int(r->last, 0);
		db_reset(r->last);
	}
	return at;
}

void
round_done(struct round *r, const char *account, int64_t at)
{
	db_bind(r->done, ":account", account);
	db_bind_int(r->done, ":at", at);
	db_try(r->db, r->done);
}

size_t
round_open(struct round *r, const char *provider, const char *account,
    struct round_build **builds)
{
	struct query *q = r->open;
	size_t count = 0, room = 0;

	*builds = NULL;
	db_bind(q, ":provider", provider);
	db_bind(q, ":org", account);
	while (db_step(q)) {
		if (count == room) {
			room = room == 0 ? 64 : room * 2;
			*builds =
			    xreallocarray(*builds, room, sizeof(**builds));
		}
		(*builds)[count++] = (struct round_build){ .id = db_int(q, 0),
			.row = build_row(r->builds, db_int(q, 0)),
			.begun_at = db_int(q, 1),
			.heard_at = db_int(q, 2),
			.missing_at = db_int(q, 3),
			.held = db_int(q, 4) != 0,
			.build_id = xstrdup(db_text(q, 5)),
			.status = db_text(q, 6) != NULL ?
			    xstrdup(db_text(q, 6)) :
			    NULL };
	}
	return count;
}

void
round_build_free(struct round_build *b)
{
	jv_free(b->row);
	free(b->build_id);
	free(b->status);
}

int64_t
round_stray(
    struct round *r, const char *provider, const char *build_id, int64_t now)
{
	int64_t id = 0;

	db_bind(r->stray, ":provider", provider);
	db_bind(r->stray, ":id", build_id);
	db_bind_int(r->stray, ":now", now);
	db_bind_int(r->stray, ":longest", BUILD_LONGEST_WAIT);
	if (db_step(r->stray)) {
		id = db_int(r->stray, 0);
		db_reset(r->stray);
	}
	return id;
}

static void
note(struct round *r, struct query *q, int64_t id)
{
	db_bind_int(q, ":row", id);
	db_begin(r->db);
	db_step(q);
	db_commit(r->db);
}

void
round_asked(struct round *r, int64_t id, int64_t at)
{
	db_bind_int(r->asked, ":at", at);
	note(r, r->asked, id);
}

void
round_missing(struct round *r, int64_t id, int64_t at)
{
	db_bind_int(r->missing, ":at", at);
	note(r, r->missing, id);
}

void
round_found(struct round *r, int64_t id)
{
	note(r, r->found, id);
}
