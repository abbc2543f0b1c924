/* SPDX-License-Identifier: ISC */
/* Builds of the embedded CI, a directory each. */
#ifndef LOCAL_JOB_H
#define LOCAL_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <jv.h>

#define JOB_ID 32 /* hexadecimal digits */

/*
 * Where all builds are: the directory path, made if absent.  A build's
 * directory in it holds
 *	task.json	what was asked for, as it came
 *	state.json	{"pid", "build", "steps"}, replaced as a whole
 *	lock		held by the runner while it lives
 *	cancel		there once somebody asked for that
 *	N.log		the output of step N
 * Exits, saying why, when a file of ours cannot be read or written.
 */
struct job_dir {
	char *path; /* absolute */
	int fd;
};
void job_open(struct job_dir *, const char *path);

/* Call fn with the id of each build there is, in no order. */
void job_each(const struct job_dir *, void (*)(const char *id, void *), void *);

/* The id of the build for a reference: the same for the same reference. */
void job_id(char id[JOB_ID + 1], const jv *ref, int64_t attempt);

/* Is the text, a stranger's, the id of a build that is there? */
bool job_exists(const struct job_dir *, const char *id);

/*
 * Make a build's directory of its task, and call run(id, lock, arg) in a
 * process of its own, a session of its own that nobody waits for and that
 * has no file in common with this one but standard error.  It holds the
 * build's lock from before the build is there to be seen.  state is what
 * state.json is made of, with a number given in order of arrival.  A build
 * that is there already stays as it is. False if there is none after
 * all.
 */
bool job_make(const struct job_dir *, const char *id, const jv *task, jv state,
    void (*run)(const char *id, void *), void *);

/* Does the build's runner live? */
bool job_alive(const struct job_dir *, const char *id);

/*
 * A build's state.  One that is not final though its runner is gone has
 * failed, and is written so first.  Invalid if the build was removed.
 */
jv job_state(const struct job_dir *, const char *id);
bool job_final(const jv *state);

jv job_task(const struct job_dir *, const char *id);
void job_write(const struct job_dir *, const char *id, jv state);

/* Ask for the end of a build; was it asked for? */
void job_cancel(const struct job_dir *, const char *id);
bool job_cancelled(const struct job_dir *, const char *id);

/* A step's log, as open(2) has it. */
int
job_log(const struct job_dir *, const char *id, const char *step, int flags);

/* Remove the build's directories: work, home and tmp. */
void job_clean(const struct job_dir *, const char *id);

/* Unix milliseconds as RFC 3339. */
jv job_stamp(int64_t);

#endif
