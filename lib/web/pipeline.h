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
 * Called for each record that comes back.  id, of length bytes, is a checked
 * JSON text, NULL if the record has none; status is the HTTP status that its
 * outcome means, 0 if it has none.
 */
typedef void pipeline_answer_fn(const char *id, size_t length, int status);

/* The filters have ended, or must: what they had will not come back. */
typedef void pipeline_ended_fn(void);

/*
 * Make a pipeline of the filters that command, a line for bash(1), runs;
 * where it is NULL they are tack-webhook(1), without a shell.  With once they
 * get one record, after which their input is closed.
 */
struct pipeline *pipeline_new(const char *command, bool once,
    pipeline_answer_fn *answer, pipeline_ended_fn *ended);

/*
 * Start the filters where they do not run.  Exits with EX_CONFIG when those
 * of the first start cannot be run, or end within five seconds and have not
 * said a line; later they are only started again.
 */
void pipeline_start(struct pipeline *pipeline);

/*
 * Hand the filters a record, a line, and wait until they have said one: then
 * they have read their configuration.  Waits no longer than milliseconds.
 */
void
pipeline_greet(struct pipeline *pipeline, const char *record, int milliseconds);

/*
 * Where to add a record, with its line feed, for the filters, which are
 * started if they do not run.  Returns NULL if there is no room.
 */
struct bytes *pipeline_room(struct pipeline *pipeline);

/* Hand the filters what was added, as far as they take it at once. */
void pipeline_feed(struct pipeline *pipeline);

/* Fill in what to poll(2) for. */
void
pipeline_poll(const struct pipeline *pipeline, struct pollfd fds[PIPELINE_FDS]);

/* Do what can be done without waiting, after poll(2). */
void
pipeline_run(struct pipeline *pipeline, const struct pollfd fds[PIPELINE_FDS]);

#endif
