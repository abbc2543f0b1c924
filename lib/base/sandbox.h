/* SPDX-License-Identifier: ISC */
/* Give up what a tool will not need. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

enum {
	SANDBOX_NO_EXEC = 1, /* run no other program */
	SANDBOX_NO_NET = 2 /* open no socket */
};

/*
 * What stays within reach: a directory, or a file, for reading ("r") or for
 * reading, writing, making and removing ("rw").  A database needs its
 * directory.  NULL and what does not exist are passed over.
 */
void sandbox_path(const char *path, const char *access);

/* The directory of a database, which holds its -wal, -shm, -lock and -bell. */
void sandbox_database(const char *path);

/*
 * Enter: no new privileges; Landlock for files, by what the kernel knows of
 * it; seccomp that denies execve and socket with EPERM.  What the kernel does
 * not know is done without.  Inherited over exec, so not for tools that spawn.
 */
void sandbox(int denied);

#endif
