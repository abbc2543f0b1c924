/* SPDX-License-Identifier: ISC */
/* The decision whether a task may be built, in front of all providers. */
#ifndef FLOW_PERMIT_H
#define FLOW_PERMIT_H

#include <jv.h>

#include "ci/provider.h"
#include "store/db.h"

/*
 * The operator's settings: $TACK_PULLS (off, members or all), $TACK_OWNER_DID
 * and the file that $TACK_ALLOW_FILE names.  Prepares its statements in the
 * database.  Exits with EX_CONFIG where a setting or a line of the file is
 * wrong.
 */
struct permit;
struct permit *permit_open(struct db *db);
void permit_close(struct permit *permit);

/*
 * Returns why a task (tack-provider(5)) may not be built, a constant text; NULL
 * if it may be.  A pull request may not, if TACK_PULLS does not admit its
 * author.
 */
const char *permit_refused(struct permit *permit, const jv *task);

/*
 * Removes from task, given and returned, what its workflow file may not choose:
 * of a pull request, all options but those that the provider says are
 * harmless.
 */
jv permit_options(jv task, const struct provider *provider);

/*
 * Returns why a build may not be where the task's "place" says, for the caller
 * to free; NULL if it may be.  name is the provider's.
 */
char *permit_place(struct permit *permit, const jv *task, const char *name,
    const struct provider *provider);

/* Note that repositories of the task's owner are built here. */
void permit_note(struct permit *permit, const jv *task);

#endif
