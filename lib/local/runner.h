/* SPDX-License-Identifier: ISC */
/* The runner of a build: it clones, runs the steps, and reports the result. */
#ifndef LOCAL_RUNNER_H
#define LOCAL_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * TACK_LOCAL_JOBS, TACK_LOCAL_TIMEOUT (seconds), TACK_LOCAL_FREE (MiB, -1 if
 * unset) and TACK_DEV.
 */
struct runner_settings {
	int64_t jobs, timeout, free;
	bool dev;
};

/*
 * Read the settings from the environment.  Exits with EX_CONFIG if one is
 * wrong, so a tool reads them before it makes a build.
 */
struct runner_settings runner_settings(void);

/*
 * Run the build id, which make_build() has made, to its end.  arg is the
 * struct dir.
 */
void runner_run(const char *id, void *arg);

#endif
