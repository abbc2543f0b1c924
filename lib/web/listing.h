/* SPDX-License-Identifier: ISC */
/* The lines of a program as the body of a reply. */
#ifndef WEB_LISTING_H
#define WEB_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/stream.h"

struct listing;

/*
 * Send the lines of a program, when its turn has come, as a body on a socket,
 * which stays the caller's: in chunks, or bare until the connection ends.  The
 * program's first line, which is not sent, says that there is something to
 * tell; then the head of the reply is sent, which is copied.  Messages name
 * the connection by its number.
 */
struct listing *listing_new(int fd, const char *head, bool chunks,
    const char *const argv[], uint64_t number);
void listing_free(struct listing *listing);

/* After STREAM_REFUSED: the program's exit status, -1 if it has none. */
int listing_refusal(const struct listing *listing);

/*
 * Since when does it wait to start its program? Milliseconds of clock_ticks(),
 * INT64_MAX if it does not.
 */
int64_t listing_waits(const struct listing *listing);

/* Its turn has come: start the program. */
void listing_start(struct listing *listing);

/* Tell it that the process pid ended with a status of wait(2). */
void listing_exited(struct listing *listing, pid_t pid, int status);

/* Fill in what to poll(2) for. */
void listing_poll(const struct listing *listing, struct pollfd fds[STREAM_FDS]);

/* The time, of clock_ticks(), at which to run it though nothing was polled. */
int64_t listing_deadline(const struct listing *listing);

/* Do what can be done without waiting. */
enum stream_state
listing_run(struct listing *listing, const struct pollfd fds[STREAM_FDS]);

#endif
