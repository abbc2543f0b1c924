/* SPDX-License-Identifier: ISC */
/* Where a stranger's command runs: a bubblewrap sandbox. */
#ifndef LOCAL_CELL_H
#define LOCAL_CELL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <jv.h>

struct cell {
	char *bwrap; /* the program, or NULL to go without */
	const char *shell; /* bash, or sh where there is no bash */
	bool network; /* share the host's */
	const char *user; /* to become first, or NULL to stay */
	uid_t uid;
	gid_t gid;
	int64_t processes; /* at once */
	int64_t memory; /* MiB a process, 0 for no limit */
};

/*
 * What the environment says: TACK_LOCAL_SANDBOX, _NETWORK, _USER, _PROCESSES,
 * _MEMORY.  Exits with EX_CONFIG when something of that is wrong.  Returns
 * why nothing can run here, or NULL.
 */
const char *cell_open(struct cell *);

/* What is isolated and what is not, a line each. */
void cell_describe(const struct cell *, FILE *);

/*
 * Start a program with a build's directories work, home and tmp, of which
 * work is the working directory.  env, an object of strings, is its whole
 * environment but for HOME and PATH where env lacks them.  Its output and
 * errors go to out; it dies with us.  show, unless NULL, is one more path
 * it may read.  Returns its process id or, having said why, -1.
 */
pid_t cell_start(const struct cell *, const char *dir, const jv *env,
    const char *const argv[], const char *show, int out);

/* Give a path to the user who will be in the cell. */
void cell_own(const struct cell *, const char *path, mode_t mode, bool all);

/* Kill and await every child of ours, theirs too when they were left. */
void cell_sweep(void);

#endif
