/* SPDX-License-Identifier: ISC */
/* The runner of a build: clones, runs the steps, tells what came of it. */
#ifndef LOCAL_RUNNER_H
#define LOCAL_RUNNER_H

/* Run a build that make_build() made to its end; arg is the struct job_dir. */
void runner_run(const char *id, void *arg);

#endif
