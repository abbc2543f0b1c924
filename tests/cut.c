/* SPDX-License-Identifier: ISC */
/*
 * Preloaded: record what is done to the database's files, and what is told to
 * the outside, for tests/cut.py to cut the power at any point of it.
 *
 * CUT_DB is the database's path, CUT_TRACE the file to append to.  Besides,
 * CUT_CHECKPOINT makes SQLite checkpoint after so many pages, and CUT_SYNC
 * makes it sync less than the tool asks; CUT_KILL kills the program between
 * one call and the next, once in so many.  Sectors reach the disk when their
 * file is synced, names when the directory is.
 */
#include <sys/stat.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#define FDS 1024

enum op {
	OP_OPEN = 'o', /* text: the name's suffix; offset: its inode */
	OP_DIRECTORY = 'd',
	OP_WRITE = 'w',
	OP_TRUNCATE = 't', /* offset: the size */
	OP_BEGIN = 'b', /* a sync begins, and ends */
	OP_END = 'e',
	OP_UNLINK = 'u', /* text: the name's suffix */
	OP_ACK = 'a', /* text: lines for the outside, not yet written */
	OP_KILL = 'k',
	OP_UNKNOWN = '?' /* text: what is not simulated */
};

struct record {
	uint32_t op;
	uint32_t pid;
	int32_t fd;
	uint32_t length;
	int64_t offset;
};

static int trace = -1;
static int tells; /* what this program writes to stdout is told */
static unsigned kills; /* one in so many */
static char watched[FDS]; /* an op, or 0 */
static char path[4096], directory[4096];

/* The next definition of a function, ours being the first. */
#define NEXT(name) \
	static __typeof__(name) *next; \
	if (next == NULL) \
	*(void **)&next = dlsym(RTLD_NEXT, #name)

static void
put(enum op op, int fd, int64_t offset, const void *text, size_t length)
{
	struct record r = { (uint32_t)op, (uint32_t)getpid(), fd,
		(uint32_t)length, offset };
	struct iovec iov[] = { { &r, sizeof(r) },
		{ (void *)(uintptr_t)text, length } };
	int saved = errno;

	if (trace != -1 &&
	    writev(trace, iov, 2) != (ssize_t)(sizeof(r) + length))
		abort();
	if (kills != 0 && op != OP_BEGIN && op != OP_ACK &&
	    (unsigned)random() % kills == 0) {
		kills = 0;
		put(OP_KILL, fd, 0, "", 0);
		kill(getpid(), SIGKILL);
	}
	errno = saved;
}

__attribute__((constructor)) static void
start(void)
{
	const char *db = getenv("CUT_DB"), *name = getenv("CUT_TRACE");
	const char *often = getenv("CUT_KILL");
	struct timespec now;
	int fd;

	if (db == NULL || name == NULL)
		return;
	snprintf(path, sizeof(path), "%s", db);
	snprintf(directory, sizeof(directory), "%s", db);
	if (strrchr(directory, '/') != NULL)
		*strrchr(directory, '/') = '\0';
	fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	/* out of the way of those who count on low numbers */
	trace = fcntl(fd, F_DUPFD_CLOEXEC, 900);
	close(fd);
	if (often != NULL)
		kills = (unsigned)atoi(often);
	clock_gettime(CLOCK_MONOTONIC, &now);
	srandom((unsigned)(now.tv_nsec ^ getpid()));
	tells = strcmp(program_invocation_short_name, "tack-status") == 0 ||
	    strcmp(program_invocation_short_name, "tack-webhook") == 0;
}

/* The suffix of a name of the database's, or NULL. */
static const char *
suffix(const char *name)
{
	size_t n = strlen(path);

	if (trace == -1 || strncmp(name, path, n) != 0)
		return NULL;
	name += n;
	return *name == '\0' || strcmp(name, "-wal") == 0 ||
		strcmp(name, "-journal") == 0 ?
	    name :
	    NULL;
}

static void
opened(const char *name, int fd)
{
	const char *end = suffix(name);
	struct stat st;

	if (fd < 0 || fd >= FDS || trace == -1)
		return;
	watched[fd] = 0;
	if (end != NULL && fstat(fd, &st) == 0) {
		watched[fd] = OP_OPEN;
		put(OP_OPEN, fd, (int64_t)st.st_ino, end, strlen(end));
	} else if (strcmp(name, directory) == 0) {
		watched[fd] = OP_DIRECTORY;
		put(OP_DIRECTORY, fd, 0, "", 0);
	}
}

#define OPEN(name) \
	int name(const char *file, int flags, ...) \
	{ \
		NEXT(name); \
		va_list ap; \
		int fd; \
\
		va_start(ap, flags); \
		fd = next(file, flags, va_arg(ap, mode_t)); \
		va_end(ap); \
		opened(file, fd); \
		return fd; \
	}
OPEN(open)
OPEN(open64)

int
close(int fd)
{
	NEXT(close);

	if (fd >= 0 && fd < FDS)
		watched[fd] = 0;
	return next(fd);
}

static int
watches(int fd)
{
	return fd >= 0 && fd < FDS && watched[fd] != 0;
}

#define PWRITE(name, offset_type) \
	ssize_t name(int fd, const void *text, size_t n, offset_type offset) \
	{ \
		NEXT(name); \
		ssize_t done = next(fd, text, n, offset); \
\
		if (watches(fd) && done > 0) \
			put(OP_WRITE, fd, offset, text, (size_t)done); \
		return done; \
	}
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t
write(int fd, const void *text, size_t n)
{
	NEXT(write);

	if (watches(fd))
		put(OP_UNKNOWN, fd, 0, "write", 5);
	if (fd == STDOUT_FILENO && tells)
		put(OP_ACK, fd, 0, text, n);
	return next(fd, text, n);
}

#define TRUNCATE(name, size_type) \
	int name(int fd, size_type size) \
	{ \
		NEXT(name); \
		int result = next(fd, size); \
\
		if (watches(fd) && result == 0) \
			put(OP_TRUNCATE, fd, size, "", 0); \
		return result; \
	}
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name) \
	int name(int fd) \
	{ \
		NEXT(name); \
		int result; \
\
		if (!watches(fd)) \
			return next(fd); \
		put(OP_BEGIN, fd, 0, "", 0); \
		result = next(fd); \
		if (result == 0) \
			put(OP_END, fd, 0, "", 0); \
		return result; \
	}
SYNC(fsync)
SYNC(fdatasync)

int
unlink(const char *file)
{
	NEXT(unlink);
	int result = next(file);
	const char *end = suffix(file);

	if (result == 0 && end != NULL)
		put(OP_UNLINK, -1, 0, end, strlen(end));
	return result;
}

int
rename(const char *from, const char *to)
{
	NEXT(rename);

	if (suffix(from) != NULL || suffix(to) != NULL)
		put(OP_UNKNOWN, -1, 0, "rename", 6);
	return next(from, to);
}

int
fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
	NEXT(fallocate64);

	if (watches(fd))
		put(OP_UNKNOWN, fd, 0, "fallocate", 9);
	return next(fd, mode, offset, length);
}

int
sqlite3_open_v2(const char *name, sqlite3 **db, int flags, const char *vfs)
{
	const char *pages = getenv("CUT_CHECKPOINT");
	NEXT(sqlite3_open_v2);
	int result = next(name, db, flags, vfs);

	if (result == SQLITE_OK && pages != NULL)
		sqlite3_wal_autocheckpoint(*db, atoi(pages));
	return result;
}

int
sqlite3_prepare_v2(sqlite3 *db, const char *sql, int length,
    sqlite3_stmt **stmt, const char **tail)
{
	static const char pragma[] = "PRAGMA synchronous = ";
	const char *instead = getenv("CUT_SYNC");
	char text[64];
	NEXT(sqlite3_prepare_v2);

	if (instead == NULL || strncmp(sql, pragma, sizeof(pragma) - 1) != 0)
		return next(db, sql, length, stmt, tail);
	snprintf(text, sizeof(text), "%s%s", pragma, instead);
	return next(db, text, -1, stmt, tail);
}
