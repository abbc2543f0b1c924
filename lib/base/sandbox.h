/* SPDX-License-Identifier: ISC */
/* Give up what a tool will not need. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

enum {
	SANDBOX_NO_EXEC = 1, /* run no other program */
	SANDBOX_NO_NET = 2 /* open no socket */
};

/*
 * The sandbox is the process's, as unveil(2) is on OpenBSD: what sandbox_path()
 * was told is kept here until sandbox() is called, once.
 */

/*
 * Keep path, a directory with all in it or a file, within reach after
 * sandbox(): access is "r" to read, or "rw" to read, write, make and remove.
 * Passes over NULL and what does not exist.
 */
void sandbox_path(const char *path, const char *access);

/*
 * Keep the directory of the database path within reach, to read and write:
 * SQLite and tack make files beside a database.
 */
void sandbox_database(const char *path);

/*
 * Give up all files but those of sandbox_path(), by Landlock; new privileges;
 * and what denied names, SANDBOX_NO_EXEC, SANDBOX_NO_NET or both, by seccomp
 * with EPERM.  A protection that the kernel does not have is left out.  The
 * programs that this process runs inherit the sandbox, so a tool that runs
 * programs has none.
 */
void sandbox(int denied);

#endif
