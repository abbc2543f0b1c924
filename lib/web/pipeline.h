/* SPDX-License-Identifier: ISC */
/* The filters that handle requests, as a shell pipeline that is kept running.
 */
#ifndef WEB_PIPELINE_H
#define WEB_PIPELINE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

#define PIPELINE_FDS 2

struct pipeline;

/*
 * Called for each record that comes back.  id, of length bytes, is a checked
 * JSON text, NULL if the record has none; status is the HTTP status that its
 * outcome means, 0 if it has none.
 */
typedef void pipeline_answer_fn(const char *id, size_t length, int status);

/* Called when the filters have ended: the records that they had are lost. */
typedef void pipeline_ended_fn(void);

/*
 * Make a pipeline of the filters that command, a line for bash(1), runs; if
 * command is NULL, of tack-webhook(1), without a shell.  With once the filters
 * get one record, after which their input is closed.
 */
struct pipeline *pipeline_new(const char *command, bool once,
    pipeline_answer_fn *answer, pipeline_ended_fn *ended);

/*
 * Start the filters if they do not run.  Exits with EX_CONFIG if the filters of
 * the first start cannot be run, or end within five seconds without having
 * printed a line; later failures only start them again.
 */
void pipeline_start(struct pipeline *pipeline);

/*
 * Write record, a line, to the filters, and wait until they have printed a
 * line, which shows that they have read their configuration, for the given
 * number of milliseconds at most.
 */
void
pipeline_greet(struct pipeline *pipeline, const char *record, int milliseconds);

/*
 * Return the buffer to add a record to, with its line feed, for the filters,
 * which are started if they do not run; NULL if there is no room.
 */
struct bytes *pipeline_room(struct pipeline *pipeline);

/* Write what was added to the filters, as far as that does not block. */
void pipeline_feed(struct pipeline *pipeline);

/* Set fds to what to poll(2) for. */
void
pipeline_poll(const struct pipeline *pipeline, struct pollfd fds[PIPELINE_FDS]);

/* Do what can be done without waiting, after poll(2) of fds. */
void
pipeline_run(struct pipeline *pipeline, const struct pollfd fds[PIPELINE_FDS]);

#endif
