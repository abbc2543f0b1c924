/* SPDX-License-Identifier: ISC */
/* Whose build is it? The one place that decides. */
#ifndef STORE_OWNER_H
#define STORE_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include <jv.h>

#include "store/db.h"

struct owner {
	struct query *stored, *waits, *newest;
};

/* Prepares the statements of owner in db. */
void owner_prepare(struct owner *owner, struct db *db);

/* The stored row of a build. */
struct owner_row {
	jv ref; /* as in tack-record(5) */
	char *verdict, *reason; /* NULL where there is none */
	bool blanks; /* the row does not have all that a build tells */
};

/*
 * Looks up the build of a provider by the id that the CI gave it.  Its stored
 * reference stands, whatever the build says of itself.  Returns false if there
 * is none; else row is for owner_row_free().
 */
bool owner_stored(struct owner *owner, const char *provider, const char *id,
    struct owner_row *row);
void owner_row_free(struct owner_row *row);

/* What a build that is not stored says of itself. */
struct owner_claim {
	const char *provider, *id;
	const char *parent; /* the id of what it is a rebuild of, or NULL */
	const jv *ref; /* its reference, invalid if it names none */
	/*
	 * The attempt that its seal is for: 0 if it has no good one,
	 * OWNER_ANY if a reference is believed without.
	 */
	int64_t attempt;
	int64_t sealed_at; /* unix seconds; 0 if the seal does not say */
};

#define OWNER_ANY (-1)

enum owner_how {
	OWNER_OURS,
	OWNER_NO_REF, /* it names no workflow */
	OWNER_NO_SEAL, /* it names one, without a good seal */
	OWNER_TAKEN, /* another build answers for the workflow */
	OWNER_REBUILD, /* the attempt waits for a rebuild; this is none */
	OWNER_OLD /* its seal is of something that was before */
};

/*
 * Decides whose the build of a claim is.  It is ours if it is the rebuild that
 * an attempt waits for, by the CI's own word; or if it names a workflow that no
 * other build answers for, and its seal, where one is wanted, was made for the
 * newest attempt.  If it is ours, *ref is its reference; else *ref is invalid.
 */
enum owner_how
owner_find(struct owner *owner, const struct owner_claim *claim, jv *ref);

/* Is the build of a claim the one that a row, from build_row(), waits for? */
bool owner_fits(const jv *row, const struct owner_claim *claim);

#endif
