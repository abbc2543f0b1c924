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
	char *bwrap; /* the program's path, or NULL to go without */
	const char *shell; /* bash, or sh where there is no bash */
	bool network; /* the host's is shared */
	const char *user; /* that commands run as, or NULL for ours */
	uid_t uid;
	gid_t gid;
	int64_t processes; /* most at once */
	int64_t memory; /* MiB a process, 0 for no limit */
};

/*
 * Set up a cell as the environment says: TACK_LOCAL_SANDBOX, _NETWORK, _USER,
 * _PROCESSES, _MEMORY.  Exits with EX_CONFIG if one of them is wrong.  Returns
 * why no command can run here, or NULL.
 */
const char *cell_open(struct cell *cell);

/* Write to out what is isolated and what is not, a line each. */
void cell_describe(const struct cell *cell, FILE *out);

/*
 * Make the directories work, home and tmp in the directory dir, give them to
 * the user of the cell, and let that user pass through dir and through above,
 * the directory that holds dir.  Returns false, with errno set, on failure.
 */
bool
cell_directories(const struct cell *cell, const char *above, const char *dir);

/*
 * Start a program with dir's directories work, home and tmp, of which work is
 * its working directory.  env, an object of strings, is its whole environment
 * but for HOME and PATH where env lacks them.  Its output and errors go to the
 * descriptor out.  It dies with us; in a sandbox, while bwrap(1) starts, only
 * if dir has a file lock that we hold by flock(2).  show, unless NULL, is one
 * more path that it may read.  Returns its process id or, having said why, -1.
 */
pid_t cell_start(const struct cell *cell, const char *dir, const jv *env,
    const char *const argv[], const char *show, int out);

/*
 * Return what is missing, and what to do, where a cell did not start and
 * printed the text printed.  The result is for the caller to free.
 */
char *cell_refusal(const struct cell *cell, const char *printed);

/*
 * Start a cell in the empty directory dir of the directory above, and wait for
 * its end.  Returns why that failed, as cell_refusal() does, or NULL.
 */
char *cell_try(const struct cell *cell, const char *above, const char *dir);

/*
 * Kill all children of this process and wait for them, also for processes that
 * became its children when their own parents died.
 */
void cell_sweep(void);

#endif
