/* SPDX-License-Identifier: ISC */
/* The function of tack-resolve: a payload becomes a build and its reference. */
#ifndef FLOW_RESOLVE_H
#define FLOW_RESOLVE_H

#include <stddef.h>

#include <jv.h>

#include "store/db.h"

/*
 * On an open database, which stays the caller's.  Exits with EX_CONFIG when a
 * sealed reference is required and there is no key to the seals.
 */
struct resolve *resolve_new(struct db *);
void resolve_free(struct resolve *);

/*
 * A filter_fn; its argument is a struct resolve.  Writes what it learns in a
 * transaction of its own, or in the one that is open.
 */
jv resolve_record(jv, void *);

/* The same of a record whose "payload" is not in it, but this checked text. */
jv resolve_payload(struct resolve *, jv, const char *payload, size_t length);

#endif
