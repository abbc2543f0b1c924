/* SPDX-License-Identifier: ISC */
/* The copy of a build's log that is kept beside the database. */
#ifndef LOG_KEEP_H
#define LOG_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A step of a build; its number is its index in struct keep. */
struct keep_step {
	char *id, *name, *command;
	char *started_at; /* NULL until it is known to have run */
	char *finished_at;
	bool system; /* the author did not write it */
	bool ended; /* by the CI's word */
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
	char *fault; /* why the last fetch gave up, or NULL */
	bool for_good; /* another fetch would fail as well */
	int64_t fault_at; /* in unix milliseconds */
	int seen; /* descriptor of the steps.json read last, or -1 */
};

/*
 * Open what is kept of a build.  If nothing is, make the directory or, without
 * make, return NULL.  Exits with EX_TEMPFAIL on any other failure.
 */
struct keep *keep_open(const char *database, const char *provider,
    const char *build_id, bool make);

/* Close keep, which may be NULL, and give up the lock. */
void keep_close(struct keep *keep);

/*
 * Become the only process that writes, until keep_close().  If another process
 * is that, block until it is not or, without wait, return false.
 */
bool keep_lock(struct keep *keep, bool wait);

/* Does another process have the lock of keep_lock()? */
bool keep_locked(struct keep *keep);

/* Read steps.json if it was replaced since the last time; was it? */
bool keep_read(struct keep *keep);

/*
 * Replace steps.json by what keep has in memory.  If keep->done is not -1, the
 * file is on the disk on return.
 */
void keep_write(struct keep *keep);

/* Are all bytes of every step that has run kept? */
bool keep_complete(const struct keep *keep);

/* Add a step with this id, which is copied. */
struct keep_step *keep_add(struct keep *keep, const char *id);

/*
 * Open the file of a step's bytes to read or, with append, to write at its end;
 * append makes the file if it is absent.  Returns a descriptor, -1 if there is
 * no file.
 */
int keep_bytes(const struct keep *keep, size_t step, bool append);

/*
 * Throw a step's bytes away: those that are written from now on are the CI's
 * log after its first left_out bytes.
 */
void keep_again(struct keep *keep, size_t step, int64_t left_out);

#endif
