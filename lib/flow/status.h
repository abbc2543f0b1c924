/* SPDX-License-Identifier: ISC */
/* The function of tack-status: what a build has come to, published once. */
#ifndef FLOW_STATUS_H
#define FLOW_STATUS_H

#include <stdbool.h>

#include <jv.h>

#include "store/db.h"

/* Is this Tangled status an end?  NULL and other texts are not. */
bool status_over(const char *status);

/* Works on db, which is open with DB_WRITE_FULL and stays the caller's. */
struct status *status_open(struct db *db);
void status_close(struct status *status);

/*
 * A filter_fn; status is a struct status.  Publishes what the record says, if
 * it is news.  To be called between status_begin() and status_commit().
 */
jv status_record(jv rec, void *status);

/* A filter_batch_fn; status is a struct status.  Begins the transaction. */
void status_begin(void *status);

/*
 * A filter_batch_fn; status is a struct status.  Commits, and rings the bell if
 * something was published.
 */
void status_commit(void *status);

#endif
