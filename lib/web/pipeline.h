/* SPDX-License-Identifier: ISC */
/* The filters that requests go through, many at once or one alone. */
#ifndef WEB_PIPELINE_H
#define WEB_PIPELINE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define PIPELINE_FDS 2

struct pipeline;

/*
 * A record came back: the HTTP status that its outcome means, 0 if it has
 * none.  The id is a checked JSON text, NULL if there is none.
 */
typedef void pipeline_answer_fn(const char *id, size_t, int status);

/*
 * The filters are gone, or must go: what they had will not come back.
 * Returns whether anybody waited for it.
 */
typedef bool pipeline_ended_fn(void);

/*
 * The shell command that runs the filters.  Once, they are for one record,
 * after which their input is closed.  Filters that end soon after their start
 * without an answer, and nobody waiting, exit with EX_CONFIG.
 */
struct pipeline *pipeline_new(
    const char *command, bool once, pipeline_answer_fn *, pipeline_ended_fn *);

/* Start the filters where they do not run. */
void pipeline_start(struct pipeline *);

/*
 * Where to add a record, with its line feed, for the filters, which are
 * started if need be.  NULL if there is no room.
 */
struct bytes *pipeline_room(struct pipeline *);

/* Hand the filters what was added; what to poll(2) for; what to do then. */
void pipeline_feed(struct pipeline *);
void pipeline_poll(const struct pipeline *, struct pollfd[PIPELINE_FDS]);
void pipeline_run(struct pipeline *, const struct pollfd[PIPELINE_FDS]);

#endif
