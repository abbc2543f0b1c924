/* SPDX-License-Identifier: ISC */
/* A commit of a repository, fetched by git(1). */
#ifndef LOCAL_CLONE_H
#define LOCAL_CLONE_H

#include <stdbool.h>
#include <stdio.h>

#include <jv.h>

/*
 * Runs git in the empty directory that is to hold the work tree, with just
 * the environment env; show, unless NULL, is a path that it reads from; its
 * output goes to captured, or where people see it.  Returns its exit status,
 * or -1 when it was stopped.
 */
typedef int clone_git_fn(const jv *env, const char *const argv[],
    const char *show, FILE *captured, void *);

/*
 * Fetch a task's commit, with submodules where the task asks for them.
 * Whatever a remote says, git talks to nobody but those remote_refused() has
 * passed, follows no redirect, runs no hook and no filter, and asks nobody
 * for a password.  Returns why it failed, for the caller to free, or NULL;
 * *status is that of the last git.
 */
char *
clone_repository(const jv *task, bool dev, clone_git_fn *, void *, int *status);

#endif
