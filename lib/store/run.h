/* SPDX-License-Identifier: ISC */
/* A run: a workflow of a pipeline, as its newest attempt stands. */
#ifndef STORE_RUN_H
#define STORE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <jv.h>

#include "store/db.h"

/* Prepares its statements in the database. */
struct runs;
struct runs *run_prepare(struct db *);

/*
 * What is known of a run; each member NULL where nothing is.  build is the
 * CI's, as call.jq takes it, invalid while there is none; over says that
 * nothing more is to come, when is the time of its status in unix
 * milliseconds, 0 if it has none.
 */
struct run {
	char *provider, *build_id, *web_url, *verdict, *reason, *status;
	jv build;
	int64_t when;
	bool over;
};

/*
 * Look it up; false if there is no such run, else fill in what run_free frees.
 * run_error is the error in its last status record, for the caller to free,
 * or NULL.
 */
bool run_look(struct runs *, const char *knot, const char *rkey,
    const char *workflow, struct run *);
char *run_error(
    struct runs *, const char *knot, const char *rkey, const char *workflow);
void run_free(struct run *);

#endif
