/* SPDX-License-Identifier: ISC */
/* How often a CI may be asked, shared by all tools through the database. */
#include "base/clock.h"
#include "ci/budget.h"

#define ONE 1000 /* tokens for a request */
#define MINUTE 60000
#define LONGEST (10 * MINUTE) /* further in the future is a clock set back */

struct account {
	int64_t tokens, at, until;
};

void
budget_prepare(struct budget *b, struct db *db)
{
	b->db = db;
	b->look = db_query(db, "look up budget",
	    "SELECT tokens, at, until FROM budget WHERE account = :account");
	b->store = db_query(db, "store budget",
	    "INSERT INTO budget (account, tokens, at, until)"
	    " VALUES (:account, :tokens, :at, :until)"
	    " ON CONFLICT DO UPDATE SET tokens = excluded.tokens,"
	    " at = excluded.at, until = excluded.until");
}

void
budget_free(struct budget *b)
{
	db_forget(b->look);
	db_forget(b->store);
}

/* The account as the database has it. */
static struct account
look(struct budget *b, const char *name, int64_t full)
{
	struct account a = { full, clock_now(), 0 };

	db_bind(b->look, ":account", name);
	if (db_step(b->look)) {
		a.tokens = db_int(b->look, 0);
		a.at = db_int(b->look, 1);
		a.until = db_int(b->look, 2);
		db_reset(b->look);
	}
	return a;
}

static void
store(struct budget *b, const char *name, const struct account *a)
{
	db_bind(b->store, ":account", name);
	db_bind_int(b->store, ":tokens", a->tokens);
	db_bind_int(b->store, ":at", a->at);
	db_bind_int(b->store, ":until", a->until);
	while (db_step(b->store))
		continue;
}

int64_t
budget_take(struct budget *b, const char *name, int per_minute,
    enum budget_urgency urgency)
{
	/* a fifth is for what changes things, two for that and the state */
	int64_t full = (int64_t)per_minute * ONE;
	int64_t keep = full * urgency / 5, wait = 0, t = clock_now();
	struct account a;

	db_begin(b->db);
	a = look(b, name, full);
	if (t > a.at)
		a.tokens += (t - a.at) * full / MINUTE;
	a.at = t;
	if (a.tokens > full)
		a.tokens = full;
	if (a.until > t && a.until <= t + LONGEST)
		wait = a.until - t;
	else if (a.tokens < keep + ONE)
		wait = (keep + ONE - a.tokens) * MINUTE / full + 1;
	else
		a.tokens -= ONE;
	store(b, name, &a);
	db_commit(b->db);
	return wait;
}

void
budget_told(struct budget *b, const char *name, int64_t left, int64_t wait)
{
	struct account a;

	if (left < 0 && wait < 0)
		return;
	db_begin(b->db);
	a = look(b, name, left < 0 ? 0 : left * ONE);
	if (left >= 0 && left * ONE < a.tokens)
		a.tokens = left * ONE;
	if (wait >= 0)
		a.until = clock_now() + wait;
	store(b, name, &a);
	db_commit(b->db);
}
