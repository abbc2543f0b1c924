/* SPDX-License-Identifier: ISC */
/* What is kept of a build's log, beside the database. */
#ifndef LOG_KEEP_H
#define LOG_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A step of a build; its number is its place.  started_at is NULL until it is
 * known to have run.  Its bytes are those of the CI's log after the first
 * left_out; again counts how often the CI, or what was left out, made them
 * begin anew.  drained: no more will come.
 */
struct keep_step {
	char *id, *name, *command, *started_at, *finished_at;
	bool system, ended, drained;
	double exit; /* its exit status, NAN if that is not known */
	int64_t left_out;
	int again;
};

/*
 * The directory of a build: steps.json, always whole, and a file of bytes a
 * step.  done is the time of the status for which all is here, -1 if it is
 * not; fault is why the last that fetched gave up, NULL if it did not,
 * for_good whether there is no sense in trying again, and fault_at when.
 */
struct keep {
	int directory;
	struct keep_step *step;
	size_t steps;
	int64_t done;
	char *fault;
	bool for_good;
	int64_t fault_at;
	int seen; /* the steps.json that was read last */
};

/*
 * Open what is kept of a build; made if make says so, else NULL while there
 * is none.  Exits with EX_TEMPFAIL when that cannot be done.
 */
struct keep *keep_open(const char *database, const char *provider,
    const char *build_id, bool make);
void keep_close(struct keep *);

/* Be the only one who writes, waiting for it or not; until keep_close. */
bool keep_lock(struct keep *, bool wait);
/* Does anybody write? */
bool keep_locked(struct keep *);

/* Take in what has changed; false if nothing has. */
bool keep_read(struct keep *);

/* Store steps, done and fault; safe from a power cut if done. */
void keep_write(struct keep *);

/* Is all here of every step that has run? */
bool keep_complete(const struct keep *);

/* A new step at the end. */
struct keep_step *keep_add(struct keep *, const char *id);

/*
 * The file of a step's bytes, opened to read, or made and opened to append;
 * -1 if it is not there.
 */
int keep_bytes(const struct keep *, size_t step, bool append);

/* Forget the bytes of a step and begin anew after so many. */
void keep_again(struct keep *, size_t step, int64_t left_out);

#endif
