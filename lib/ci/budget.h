/* SPDX-License-Identifier: ISC */
/* How often a CI may be asked, shared by all tools through the database. */
#ifndef CI_BUDGET_H
#define CI_BUDGET_H

#include <stdint.h>

#include "store/db.h"

/* Why a CI is asked: the less it matters, the more of the budget is left. */
enum budget_urgency { BUDGET_URGENT, BUDGET_STATE, BUDGET_LOG };

struct budget {
	struct db *db;
	struct query *look, *store;
};

/*
 * Prepares the statements of budget in db.  budget_free() ends them; db stays
 * open.
 */
void budget_prepare(struct budget *budget, struct db *db);
void budget_free(struct budget *budget);

/*
 * Takes one request from the budget of an account, which has per_minute
 * requests a minute, in a transaction of its own.  Returns 0, or the number of
 * milliseconds after which to try again.
 */
int64_t budget_take(struct budget *budget, const char *account, int per_minute,
    enum budget_urgency urgency);

/*
 * Notes what the CI said of an account: left requests remain, and none is
 * allowed for the given number of milliseconds.  Either is -1 if the CI did not
 * say.
 */
void budget_told(struct budget *budget, const char *account, int64_t left,
    int64_t milliseconds);

#endif
