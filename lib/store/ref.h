/* SPDX-License-Identifier: ISC */
/* A reference: which workflow of which pipeline, and its attempt. */
#ifndef STORE_REF_H
#define STORE_REF_H

#include <stdbool.h>
#include <stdint.h>

#include <jv.h>

#include "store/db.h"

/* Makes "ref" of a record, as in tack-record(5); attempts count from 1. */
jv ref_new(
    const char *knot, const char *rkey, const char *workflow, int64_t attempt);

/* Does ref have knot, pipeline_rkey, workflow and pipeline_uri? */
bool ref_whole(const jv *ref);

/* Do a and b name the same workflow of the same pipeline? */
bool ref_same(const jv *a, const jv *b);

/* Returns the attempt, 1 where ref does not say. */
int64_t ref_attempt(const jv *ref);

/* Binds :knot, :rkey and :workflow of q, to texts that live as long as ref. */
void ref_bind(struct query *q, const jv *ref);

#endif
