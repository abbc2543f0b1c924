/* SPDX-License-Identifier: ISC */
/* A doorbell: a file that one process rings and any number wait for. */
#ifndef BASE_BELL_H
#define BASE_BELL_H

#include <stdbool.h>

/*
 * A counter in a file that all map, and a futex(2) on it: unlike inotify's
 * instances, of which a user has 128, there is no end of those who wait.
 */
struct bell;

/*
 * The bell in a file, to ring, and made if absent, or to hear.  Says why if it
 * is not to be had: then nobody hears, and a wait lasts.  Exits with EX_OSERR
 * for want of memory.
 */
struct bell *bell_open(const char *path, bool to_ring);
void bell_free(struct bell *);

void bell_ring(struct bell *);

/*
 * Wait for a ring since the last wait, or since the bell was opened, at most
 * so many milliseconds.  A bell that was replaced is heard from the next wait
 * on.
 */
void bell_wait(struct bell *, int milliseconds);

#endif
