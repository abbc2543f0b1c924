/* SPDX-License-Identifier: ISC */
/* The directory of the embedded CI's builds. */
#ifndef LOCAL_DIR_H
#define LOCAL_DIR_H

#include <stdbool.h>

#define DIR_ID 32 /* hexadecimal digits */
#define DIR_NAME (DIR_ID + 32) /* bytes of the name of a build's file */

/*
 * The directory of all builds.  A build's directory in it, named by its id,
 * holds
 *	task.json	what was asked for, as it came
 *	state.json	{"pid", "build", "steps"}, replaced as a whole
 *	lock		held by the runner while it lives
 *	cancel		there once somebody asked for that
 *	N.log		the output of step N
 *	runner.log	the messages of the runner
 *	work home tmp	what the steps write; removed when the build ends
 *	reserve		room for the last words, until then
 * "outcome" in state.json is the "build" to come once all is cleaned.
 * Where a function here says nothing of failure, it exits with a message when
 * a file cannot be read or written: with EX_TEMPFAIL where room or time may
 * cure it, else with EX_CANTCREAT.
 */
struct dir {
	char *path; /* absolute */
	int fd;
};

/* Open the directory path, and make it if it is absent. */
void dir_open(struct dir *dir, const char *path);

/*
 * Call fn with the id of each build in the directory, in no order, and with
 * arg; local/index.h has those that are open or ended lately.
 */
void dir_each(
    const struct dir *dir, void (*fn)(const char *id, void *arg), void *arg);

/* Is text, which may be a stranger's, the id of a build that is there? */
bool dir_exists(const struct dir *dir, const char *id);

/* Set text to the name of a build's file, and return it. */
const char *dir_name(char text[DIR_NAME], const char *id, const char *file);

/*
 * Take the lock under which builds are made.  Returns a descriptor to close, or
 * -1 if another process has the lock and wait is false.
 */
int dir_lock(const struct dir *dir, bool wait);

/* Does errno say that the disk, or this user's share of it, is full? */
bool dir_full(void);

/* End the program: errno says what is wrong with the file called what. */
_Noreturn void dir_fail(const char *what);

#endif
