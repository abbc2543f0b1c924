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
void budget_prepare(struct budget *, struct db *);
void budget_free(struct budget *);

/*
 * Take one request from an account that has so many a minute.  Returns 0, or
 * after how many milliseconds to try again.  A transaction of its own.
 */
int64_t budget_take(
    struct budget *, const char *account, int per_minute, enum budget_urgency);

/*
 * What the CI says of the account: so many requests are left; none before so
 * many milliseconds are over.  Negative where it says nothing.
 */
void budget_told(
    struct budget *, const char *account, int64_t left, int64_t milliseconds);

#endif
