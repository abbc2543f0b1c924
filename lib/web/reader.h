/* SPDX-License-Identifier: ISC */
/* A program whose standard output is read, line by line. */
#ifndef WEB_READER_H
#define WEB_READER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"

/* Programs may say nothing for long: it is who reads that sets a deadline. */
struct reader {
	pid_t pid; /* 0 when it is no more */
	int fd; /* -1 when it has said all */
	int status; /* how it ended, as wait(2) tells; not 0 if it was bad */
	struct bytes bytes; /* what it said and nobody has taken */
};

enum reader_end { READER_GOES_ON, READER_WELL, READER_BADLY };

/* What a reader is before its start, and after its stop. */
#define READER_NONE ((struct reader){ .fd = -1 })

/* Start a program. Returns false, having told why, if it cannot be started. */
bool reader_start(struct reader *reader, const char *const argv[]);

/* Kill the program if it still runs, and forget what it said. */
void reader_stop(struct reader *reader);

/*
 * Read once, what is there, into bytes: to be called when poll(2) says that
 * fd can be read.  A line that grows beyond a MiB is the end, a bad one.
 */
void reader_read(struct reader *reader);

/* The length of the whole lines in bytes, with their line feeds. */
size_t reader_lines(const struct reader *reader);

/*
 * Tell it that the process pid ended with a status of wait(2).  Returns
 * whether that was its program.
 */
bool reader_exited(struct reader *reader, pid_t pid, int status);

/* The exit status of a program that has ended, -1 if it has none. */
int reader_status(const struct reader *reader);

/* How the program ended, which is known when it has said all and is gone. */
enum reader_end reader_ended(const struct reader *reader);

#endif
