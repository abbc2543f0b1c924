/* SPDX-License-Identifier: ISC */
/* How often a CI may be asked, shared by all tools through the database. */
#ifndef CI_BUDGET_H
#define CI_BUDGET_H

#include <stdint.h>

#include "store/db.h"

/* What asks: the less it matters, the more it leaves for the others. */
enum budget_urgency { BUDGET_URGENT, BUDGET_STATE, BUDGET_LOG };

struct budget {
	struct db *db;
	struct query *look, *store;
};

/*
 * Prepares the statements of budget in db; budget_free() does away with them
 * while db stays open.
 */
void budget_prepare(struct budget *budget, struct db *db);
void budget_free(struct budget *budget);

/*
 * Takes one request from an account that has per_minute requests a minute.
 * Returns 0, or after how many milliseconds to try again.  A transaction of its
 * own.
 */
int64_t budget_take(struct budget *budget, const char *account, int per_minute,
    enum budget_urgency urgency);

/*
 * Notes what the CI said of an account: left requests remain, and none is
 * allowed for so many milliseconds.  -1 is what the CI did not say.
 */
void budget_told(struct budget *budget, const char *account, int64_t left,
    int64_t milliseconds);

#endif
