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
	bool blanks; /* something that a build tells is missing in the row */
};

/*
 * Looks up the build of a provider by the id that the CI gave it.  Its stored
 * reference stands, whatever the build says of itself.  Returns false if no
 * such row is stored; else fills row.
 */
bool owner_stored(struct owner *owner, const char *provider, const char *id,
    struct owner_row *row);

/* Frees what row holds. */
void owner_row_free(struct owner_row *row);

/* What a build that is not stored says of itself. */
struct owner_claim {
	const char *provider, *id;
	const char *parent; /* the id of the build that it rebuilds, or NULL */
	const jv *ref; /* its reference, invalid if it names none */
	/*
	 * The attempt that its seal is for: 0 if it has no good seal,
	 * OWNER_ANY if a reference is believed without a seal.
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
	OWNER_REBUILD, /* the attempt waits for a rebuild, which it is not */
	OWNER_OLD /* its seal is of an earlier attempt or time */
};

/*
 * Decides whose the build of claim is.  The build is ours if it is, by the CI's
 * own word, the rebuild that an attempt waits for; or if it names a workflow
 * that no other build answers for, and its seal, where a seal is wanted, was
 * made for the newest attempt.  Sets *ref to the reference of a build that is
 * ours, else to an invalid value.
 */
enum owner_how
owner_find(struct owner *owner, const struct owner_claim *claim, jv *ref);

/* Does row, as build_row() returns it, wait for the build of claim? */
bool owner_fits(const jv *row, const struct owner_claim *claim);

#endif
