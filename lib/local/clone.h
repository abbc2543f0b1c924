/* SPDX-License-Identifier: ISC */
/* Fetching a commit of a repository by git(1). */
#ifndef LOCAL_CLONE_H
#define LOCAL_CLONE_H

#include <stdbool.h>
#include <stddef.h>

#include <jv.h>

#define CLONE_SAID 65536 /* bytes of a program's output that are read */

/* What a program printed, and a NUL. */
struct clone_said {
	char text[CLONE_SAID + 1];
	size_t length;
	bool over; /* it printed more, and was killed for it */
};

/* What a clone needs of the build that it is for. */
struct clone_host {
	/*
	 * Run a program, git mostly, in the empty directory that is to hold
	 * the work tree, with just the environment env.  show, unless NULL, is
	 * a path that it reads from.  Its output goes to said or, if that is
	 * NULL, where people see it.  Returns its exit status, or -1 when it
	 * was stopped.
	 */
	int (*run)(const jv *env, const char *const argv[], const char *show,
	    struct clone_said *said, void *arg);

	/*
	 * Do what remote_refused() does, for as long as the build may run.
	 * *refused and *pin are for the caller to free.  Returns 0, 1 where the
	 * URL was refused, or -1 when it was stopped.
	 */
	int (*look_up)(const char *url, char **refused, char **pin, void *arg);

	/* Tell people of something that is no reason to fail. */
	void (*warn)(const char *text, void *arg);

	void *arg;
};

/*
 * Returns what is wrong with the members of a task's "clone", for the caller to
 * free, or NULL.
 */
char *clone_refused(const jv *task);

/*
 * Fetch a task's commit, with tags and submodules where the task asks for
 * them.  A submodule that cannot be had is left out with a warning, unless the
 * workflow's file itself asks for submodules.  Whatever a remote says, git
 * talks to nobody but those remote_refused() has passed, follows no redirect,
 * runs no hook and no filter, and asks nobody for a password.  Returns why it
 * failed, for the caller to free, or NULL; *status is that of the last program.
 */
char *clone_repository(
    const jv *task, bool dev, const struct clone_host *host, int *status);

#endif
