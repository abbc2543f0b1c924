/* SPDX-License-Identifier: ISC */
/* A doorbell: a file that one process rings and any number wait for. */
#ifndef BASE_BELL_H
#define BASE_BELL_H

#include <stdbool.h>

/*
 * A counter in a file that every process maps, and a futex(2) on the counter.
 * Any number of processes can wait for it, whereas inotify(7) gives a user 128
 * instances.
 */
struct bell;

/*
 * Open the bell in the file path, for the caller to free with bell_free().
 * With to_ring the bell can be rung, and the file is made if it is absent;
 * without, the bell can be waited for.  If the file cannot be had, warns and
 * returns a bell that does not ring and that every bell_wait() waits out.
 */
struct bell *bell_open(const char *path, bool to_ring);
void bell_free(struct bell *bell);

/* Wake every process that waits for the bell. */
void bell_ring(struct bell *bell);

/*
 * Wait until the bell rings, for the given number of milliseconds at most.
 * Returns at once if the bell rang since the last bell_wait() or since
 * bell_open().  If another file has taken the name of the bell's file, returns
 * at once too, and waits for that file from then on.
 */
void bell_wait(struct bell *bell, int milliseconds);

#endif
