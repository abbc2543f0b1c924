/* SPDX-License-Identifier: ISC */
/* The rows of builds, as what starts, asks and cancels builds needs them. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "data/json.h"
#include "store/build.h"
#include "store/ref.h"

#define BACK (30 * 24 * 60 * 60) /* seconds, of a time that nobody knows */

#define ROW \
	"SELECT json_object('row', b.id, 'provider', b.provider," \
	" 'attempt', b.attempt, 'created_at', b.created_at," \
	" 'sent_at', b.sent_at, 'not_before', b.not_before," \
	" 'tries', b.tries, 'verdict', b.verdict, 'reason', b.reason," \
	" 'ref', json_object('knot', b.knot," \
	"  'pipeline_rkey', b.pipeline_rkey, 'workflow', b.workflow," \
	"  'pipeline_uri', 'at://did:web:' || b.knot" \
	"  || '/sh.tangled.pipeline/' || b.pipeline_rkey," \
	"  'attempt', b.attempt)," \
	" 'build', json_object('id', b.build_id, 'number', b.number," \
	"  'org', b.org, 'pipeline', b.pipeline, 'web_url', b.web_url)," \
	" 'parent', iif(p.id IS NULL, NULL, json_object('id', p.build_id," \
	"  'number', p.number, 'org', p.org, 'pipeline', p.pipeline," \
	"  'web_url', p.web_url))," \
	" 'task', json(coalesce(b.task, (SELECT task FROM build AS f" \
	"  WHERE f.knot = b.knot AND f.pipeline_rkey = b.pipeline_rkey" \
	"  AND f.workflow = b.workflow AND f.attempt = 1))))" \
	" FROM build AS b LEFT JOIN build AS p" \
	" ON p.knot = b.knot AND p.pipeline_rkey = b.pipeline_rkey" \
	" AND p.workflow = b.workflow AND p.attempt = b.attempt - 1"

void
build_prepare(struct builds *b, struct db *db)
{
	b->db = db;
	b->by_row = db_query(db, "look up a build", ROW " WHERE b.id = :row");
	b->by_ref = db_query(db, "look up a run",
	    ROW " WHERE b.knot = :knot AND b.pipeline_rkey = :rkey"
		" AND b.workflow = :workflow"
		" ORDER BY b.attempt DESC LIMIT 1");
	b->sent = db_query(db, "mark a build as sent",
	    "UPDATE build SET sent_at = :now, tries = tries + 1"
	    " WHERE id = :row");
	/* What the CI answered us stands over what a webhook claimed. */
	b->done = db_query(db, "store a build",
	    "UPDATE OR REPLACE build SET build_id = :id,"
	    " number = coalesce(:number, number),"
	    " org = coalesce(:org, org),"
	    " pipeline = coalesce(:pipeline, pipeline),"
	    " web_url = coalesce(:web_url, web_url),"
	    " sent_at = NULL, not_before = 0, reason = NULL"
	    " WHERE id = :row");
	b->put_off = db_query(db, "put a build off",
	    "UPDATE build SET not_before = :not_before, reason = :reason,"
	    " sent_at = iif(:undone, NULL, sent_at)"
	    " WHERE id = :row AND build_id IS NULL");
	b->older = db_query(db, "look up what is superseded",
	    "SELECT o.id FROM build AS n JOIN build AS o"
	    " ON o.line = n.line AND o.workflow = n.workflow"
	    " AND o.knot = n.knot AND o.id < n.id"
	    " AND NOT o.ended AND o.verdict IS NULL"
	    " WHERE n.id = :row AND o.pipeline_rkey <> n.pipeline_rkey"
	    " ORDER BY o.id DESC LIMIT 1");
	b->due = db_query(db, "look up what is due",
	    "SELECT id FROM build INDEXED BY build_open"
	    " WHERE NOT ended AND build_id IS NULL AND verdict IS NULL"
	    " AND not_before <= :now ORDER BY id");
	b->heal = db_query(db, "heal times to come",
	    "UPDATE build SET created_at = min(created_at, :now),"
	    " sent_at = iif(sent_at > :now, :now - :back, sent_at),"
	    " missing_at = min(missing_at, :now),"
	    " not_before = iif(not_before > :now + :longest, 0, not_before)"
	    " WHERE id IN " BUILD_WATCHED
	    " AND (created_at > :now OR sent_at > :now OR missing_at > :now"
	    " OR not_before > :now + :longest)");
	b->heal_ended = db_query(db, "heal builds that came after their end",
	    "UPDATE build AS b SET ended = 1"
	    " WHERE id IN (SELECT id FROM build WHERE NOT ended)"
	    " AND EXISTS (SELECT 1 FROM status AS s"
	    " WHERE s.pipeline_rkey = b.pipeline_rkey AND s.knot = b.knot"
	    " AND s.workflow = b.workflow AND (s.attempt > b.attempt"
	    " OR s.attempt = b.attempt"
	    " AND s.status NOT IN ('pending', 'running')))");
	b->heal_status = db_query(db, "heal times of publishing",
	    "UPDATE status SET published_at = :now * 1000"
	    " WHERE published_at / 1000 > :now"
	    " AND (pipeline_rkey, knot, workflow) IN"
	    " (SELECT pipeline_rkey, knot, workflow"
	    " FROM build WHERE id IN " BUILD_WATCHED ")");
	b->verdict = db_query(db, "store a verdict",
	    "UPDATE build SET verdict = :verdict, reason = :reason,"
	    " sent_at = NULL"
	    " WHERE id = :row");
}

int64_t
build_older(struct builds *b, int64_t id)
{
	int64_t older = 0;

	db_bind_int(b->older, ":row", id);
	if (db_step(b->older)) {
		older = db_int(b->older, 0);
		db_reset(b->older);
	}
	return older;
}

static jv
without_null(jv object)
{
	jv keys = jv_keys(jv_copy(object)), out = object;

	jv_array_foreach(keys, i, key)
	{
		char *name = json_word(&key);
		jv value = json_get(&out, name);

		jv_free(key);
		if (jv_get_kind(value) == JV_KIND_NULL)
			out = json_drop(out, name);
		else if (jv_get_kind(value) == JV_KIND_OBJECT &&
		    strcmp(name, "task") != 0)
			out = json_set(out, name, without_null(jv_copy(value)));
		jv_free(value);
		free(name);
	}
	jv_free(keys);
	return out;
}

static jv
row(struct query *q)
{
	const char *text;
	jv found;

	if (!db_step(q))
		return jv_invalid();
	text = db_text(q, 0);
	found = without_null(json_parse(text, strlen(text)));
	db_reset(q);
	return found;
}

jv
build_row(struct builds *b, int64_t id)
{
	db_bind_int(b->by_row, ":row", id);
	return row(b->by_row);
}

jv
build_newest(struct builds *b, const jv *ref)
{
	ref_bind(b->by_ref, ref);
	return row(b->by_ref);
}

int
build_claim(const char *database, int64_t id)
{
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = id,
		.l_len = 1 };
	int fd = db_file(database, "claim");

	if (fcntl(fd, F_OFD_SETLK, &lock) == -1) {
		if (errno != EAGAIN && errno != EACCES)
			err(EX_TEMPFAIL, "%s-claim", database);
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
commit(struct builds *b, struct query *q, int64_t id)
{
	db_bind_int(q, ":row", id);
	db_begin(b->db);
	while (db_step(q))
		continue;
	db_commit(b->db);
}

void
build_heal(struct builds *b)
{
	int64_t now = clock_now() / 1000;

	db_bind_int(b->heal, ":now", now);
	db_bind_int(b->heal_status, ":now", now);
	db_bind_int(b->heal, ":back", BACK);
	db_bind_int(b->heal, ":longest", BUILD_LONGEST_WAIT);
	db_begin(b->db);
	while (db_step(b->heal) || db_step(b->heal_status) ||
	    db_step(b->heal_ended))
		continue;
	db_commit(b->db);
}

size_t
build_due(struct builds *b, int64_t **rows)
{
	size_t size = 64, count = 0;

	build_heal(b);
	*rows = xreallocarray(NULL, size, sizeof(**rows));
	db_bind_int(b->due, ":now", clock_now() / 1000);
	while (db_step(b->due)) {
		if (count == size)
			*rows = xreallocarray(*rows, size *= 2, sizeof(**rows));
		(*rows)[count++] = db_int(b->due, 0);
	}
	return count;
}

void
build_sent(struct builds *b, int64_t id, int64_t now)
{
	db_bind_int(b->sent, ":now", now);
	commit(b, b->sent, id);
}

void
build_done(struct builds *b, int64_t id, const jv *build)
{
	db_bind(b->done, ":id", json_str(build, "id"));
	db_bind(b->done, ":number", json_str(build, "number"));
	db_bind(b->done, ":org", json_str(build, "org"));
	db_bind(b->done, ":pipeline", json_str(build, "pipeline"));
	db_bind(b->done, ":web_url", json_str(build, "web_url"));
	commit(b, b->done, id);
}

void
build_put_off(struct builds *b, int64_t id, int64_t not_before, bool undone,
    const char *reason)
{
	db_bind(b->put_off, ":reason", reason);
	db_bind_int(b->put_off, ":not_before", not_before);
	db_bind_int(b->put_off, ":undone", undone);
	commit(b, b->put_off, id);
}

void
build_verdict(
    struct builds *b, int64_t id, const char *verdict, const char *reason)
{
	db_bind(b->verdict, ":verdict", verdict);
	db_bind(b->verdict, ":reason", reason);
	commit(b, b->verdict, id);
}
