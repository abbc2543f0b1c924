/* SPDX-License-Identifier: ISC */
/* A doorbell: a file that one process rings and any number wait for. */
#ifndef BASE_BELL_H
#define BASE_BELL_H

#include <stdbool.h>

/*
 * A counter in a file that every process maps, and a futex(2) on it.  Any
 * number of processes can wait so; inotify(7) gives a user 128 instances.
 */
struct bell;

/*
 * Open the bell in the file path, for the caller to free with bell_free().
 * With to_ring it can be rung, and the file is made if it is absent; without,
 * it can be waited for.  If the file cannot be had, warns and returns a bell
 * that does not ring, and whose wait always lasts to its end.
 */
struct bell *bell_open(const char *path, bool to_ring);
void bell_free(struct bell *bell);

/* Wake every process that waits for the bell. */
void bell_ring(struct bell *bell);

/*
 * Wait until the bell rings, for the given number of milliseconds at most.
 * Returns at once if it rang since the last bell_wait() or since bell_open(),
 * and if another file has taken the place of the bell's, which is then the
 * bell.
 */
void bell_wait(struct bell *bell, int milliseconds);

#endif
