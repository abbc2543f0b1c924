/* SPDX-License-Identifier: ISC */
/* What is kept of a build's log, beside the database. */
#ifndef LOG_KEEP_H
#define LOG_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A step of a build; its number is its place among them. */
struct keep_step {
	char *id, *name, *command;
	char *started_at; /* NULL until it is known to have run */
	char *finished_at;
	bool system; /* the author did not write it */
	bool ended; /* says the CI */
	bool drained; /* no more bytes will come */
	double exit; /* its exit status, NAN if that is not known */
	int64_t left_out; /* bytes of the CI's log before those kept */
	int again; /* how often the kept bytes were begun anew */
};

/* The directory of a build: steps.json, always whole, and a file a step. */
struct keep {
	int directory;
	struct keep_step *step;
	size_t steps;
	int64_t done; /* created_at of the status for which the log is
			 complete, -1 while it is not */
	char *fault; /* why the last that fetched gave up, or NULL */
	bool for_good; /* to try again makes no sense */
	int64_t fault_at; /* in unix milliseconds */
	int seen; /* the steps.json that was read last, -1 if none was */
};

/*
 * Open what is kept of a build.  While there is nothing, make it, or without
 * make return NULL.  Exits with EX_TEMPFAIL when that cannot be done.
 */
struct keep *keep_open(const char *database, const char *provider,
    const char *build_id, bool make);

/* Close it, and give up the lock.  NULL is nothing to close. */
void keep_close(struct keep *keep);

/*
 * Become the only process that writes, until keep_close.  With wait, block
 * until that can be; without it, return false if another process is.
 */
bool keep_lock(struct keep *keep, bool wait);

/* Does another process write? */
bool keep_locked(struct keep *keep);

/* Read steps.json if it is another than last time; returns whether it was. */
bool keep_read(struct keep *keep);

/*
 * Replace steps.json by what is in memory.  If done is set, it is on the disk
 * on return.
 */
void keep_write(struct keep *keep);

/* Are all bytes here of every step that has run? */
bool keep_complete(const struct keep *keep);

/* Add a step with this id, which is copied. */
struct keep_step *keep_add(struct keep *keep, const char *id);

/*
 * Open the file of a step's bytes, to read, or with append to write at its
 * end, when it is made if need be.  Returns -1 if it is not there.
 */
int keep_bytes(const struct keep *keep, size_t step, bool append);

/*
 * Throw a step's bytes away and begin anew: those to come are the CI's log
 * after its first left_out bytes.
 */
void keep_again(struct keep *keep, size_t step, int64_t left_out);

#endif
