/* SPDX-License-Identifier: ISC */
/* The function of tack-resolve: a payload becomes a build and its reference. */
#ifndef FLOW_RESOLVE_H
#define FLOW_RESOLVE_H

#include <stddef.h>

#include <jv.h>

#include "store/db.h"

/*
 * Works on db, which is open and stays the caller's.  Exits with EX_CONFIG if a
 * sealed reference is required and there is no key to the seals.
 */
struct resolve *resolve_open(struct db *db);
void resolve_close(struct resolve *resolve);

/*
 * A filter_fn; resolve is a struct resolve.  Stores the build in the
 * transaction that is open, else in one of its own.
 */
jv resolve_record(jv rec, void *resolve);

/* Does the same for a record whose "payload" is this checked text instead. */
jv resolve_payload(
    struct resolve *resolve, jv rec, const char *payload, size_t length);

#endif
