/* SPDX-License-Identifier: ISC */
/* The function of tack-status: what a build has come to, published once. */
#ifndef FLOW_STATUS_H
#define FLOW_STATUS_H

#include <jv.h>

#include "store/db.h"

/* On a database open with DB_WRITE_FULL, which stays the caller's. */
struct status *status_new(struct db *);
void status_free(struct status *);

/* A filter_fn; its argument is a struct status.  Within these: */
jv status_record(jv, void *);

/* A filter_batch_fn each: the transaction, and the bell if there was news. */
void status_begin(void *);
void status_commit(void *);

#endif
