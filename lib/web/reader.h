/* SPDX-License-Identifier: ISC */
/* A program whose standard output is read, line by line. */
#ifndef WEB_READER_H
#define WEB_READER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"

/* A program may print nothing for long: the caller sets the deadline. */
struct reader {
	pid_t pid; /* 0 when the program has ended */
	int fd; /* its output, -1 at the end of that */
	int status; /* of wait(2) when it has ended; not 0 if that was bad */
	struct bytes bytes; /* that were read, for the caller to drop */
};

enum reader_end { READER_GOES_ON, READER_WELL, READER_BADLY };

/* A reader before reader_start() and after reader_stop(). */
#define READER_NONE ((struct reader){ .fd = -1 })

/* Start a program.  Warns and returns false if it cannot be started. */
bool reader_start(struct reader *reader, const char *const argv[]);

/* Kill the program if it still runs, and drop what it printed. */
void reader_stop(struct reader *reader);

/*
 * Read once into bytes; to be called when poll(2) says that fd can be read.  A
 * line of more than a MiB is a bad end of the program.
 */
void reader_read(struct reader *reader);

/* Return the length of the whole lines in bytes, with their line feeds. */
size_t reader_lines(const struct reader *reader);

/*
 * Tell the reader that the process pid ended with a status of wait(2).  Returns
 * whether that was its program.
 */
bool reader_exited(struct reader *reader, pid_t pid, int status);

/* Return the exit status of a program that has ended, -1 if it did not exit. */
int reader_status(const struct reader *reader);

/* Return how the program ended; it goes on until all its output is read. */
enum reader_end reader_ended(const struct reader *reader);

#endif
