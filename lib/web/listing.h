/* SPDX-License-Identifier: ISC */
/* The lines of a program as the body of a reply. */
#ifndef WEB_LISTING_H
#define WEB_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "web/stream.h"

struct listing;

/*
 * Make a listing, which sends the lines of a program, once listing_start() was
 * called, as a body on the socket fd, which stays the caller's: in chunks, or
 * bare until the connection ends.  The program's first line, which is not sent,
 * says that others follow; then head, the head of the reply, which is copied,
 * is sent.  Messages name the connection by its number.
 */
struct listing *listing_new(int fd, const char *head, bool chunks,
    const char *const argv[], uint64_t number);
void listing_free(struct listing *listing);

/* After STREAM_REFUSED, return the exit status, -1 if it did not exit. */
int listing_refusal(const struct listing *listing);

/*
 * Return since when the listing has waited to start its program: milliseconds
 * of clock_ticks(), INT64_MAX if it does not wait.
 */
int64_t listing_waits(const struct listing *listing);

/* Start the program. */
void listing_start(struct listing *listing);

/* Tell the listing that the process pid ended with a status of wait(2). */
void listing_exited(struct listing *listing, pid_t pid, int status);

/* Set fds to what to poll(2) for. */
void listing_poll(const struct listing *listing, struct pollfd fds[STREAM_FDS]);

/* Return when, by clock_ticks(), to call listing_run() at the latest. */
int64_t listing_deadline(const struct listing *listing);

/* Do what can be done without waiting, after poll(2) of fds. */
enum stream_state
listing_run(struct listing *listing, const struct pollfd fds[STREAM_FDS]);

#endif
