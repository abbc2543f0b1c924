/* SPDX-License-Identifier: ISC */
/* A run: a workflow of a pipeline, as its newest attempt stands. */
#ifndef STORE_RUN_H
#define STORE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <jv.h>

#include "store/db.h"

struct runs {
	struct query *build, *status, *event;
};

/* Prepares the statements of runs in db. */
void run_prepare(struct runs *runs, struct db *db);

/* What is known of a run; a text is NULL if it is not known. */
struct run {
	char *provider, *build_id, *web_url, *verdict, *reason, *status;
	jv build; /* as call.jq takes it, invalid while there is none */
	int64_t when; /* of the status, unix milliseconds; 0 if there is none */
	bool over; /* its status changes no more */
};

/*
 * Looks up a run.  Returns false if there is none; else fills run, which is for
 * run_free().
 */
bool run_look(struct runs *runs, const char *knot, const char *rkey,
    const char *workflow, struct run *run);
void run_free(struct run *run);

/*
 * Returns the error in the last status record of a run, for the caller to free;
 * NULL if there is none.
 */
char *run_error(struct runs *runs, const char *knot, const char *rkey,
    const char *workflow);

#endif
