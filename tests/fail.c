/* SPDX-License-Identifier: ISC */
/* Preloaded: let the n-th call of a kind fail, once or from then on. */
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * FAIL=tool call errno n on fd: in the tool of this name the n-th call gives
 * errno, and all after it if on is not 0.  errno 0 makes it short instead:
 * half of the bytes, or 100.  Told on fd: "!" when it happened; with n 0, at
 * exit, how often each kind was called.
 */
enum call {
	ACCEPT,
	ALLOC,
	DUP,
	FCNTL,
	FLOCK,
	FSYNC,
	FTRUNCATE,
	MMAP,
	OPEN,
	PIPE,
	PREAD,
	PWRITE,
	READ,
	RECV,
	SEND,
	SPAWN,
	STAT,
	WRITE,
	CALLS
};

static const char *const names[] = { "accept", "malloc", "dup", "fcntl",
	"flock", "fsync", "ftruncate", "mmap", "open", "pipe", "pread",
	"pwrite", "read", "recv", "send", "spawn", "stat", "write" };

static unsigned long counts[CALLS], at;
static int armed, which = -1, error, on, fd = -1;

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static void
say(const char *text, size_t length)
{
	int saved = errno;

	syscall(SYS_write, fd, text, length);
	errno = saved;
}

/* Is this call to fail? */
static int
fails(enum call call)
{
	if (!armed)
		return 0;
	counts[call]++;
	if ((int)call != which || counts[call] < at ||
	    (counts[call] > at && !on))
		return 0;
	if (counts[call] == at)
		say("!", 1);
	if (error == 0)
		return 0;
	errno = error;
	return 1;
}

/* As many bytes as this call may move. */
static size_t
most(enum call call, size_t length)
{
	int hit = armed && (int)call == which && error == 0 &&
	    (counts[call] == at || (counts[call] > at && on));

	if (!hit || length < 2)
		return length;
	/* Half of what is asked for may be more than there is. */
	return length > 200 ? 100 : length / 2;
}

__attribute__((constructor)) static void
arm(void)
{
	const char *text = getenv("FAIL");
	char tool[32], call[32];

	if (text == NULL ||
	    sscanf(text, "%31s %31s %d %lu %d %d", tool, call, &error, &at, &on,
		&fd) != 6 ||
	    strcmp(tool, program_invocation_short_name) != 0)
		return;
	for (int i = 0; i < CALLS && at > 0; i++)
		if (strcmp(call, names[i]) == 0)
			which = i;
	armed = 1;
}

__attribute__((destructor)) static void
tell(void)
{
	char line[64];

	if (!armed || at > 0)
		return;
	armed = 0;
	for (int i = 0; i < CALLS; i++)
		say(line,
		    (size_t)snprintf(
			line, sizeof(line), "%s %lu\n", names[i], counts[i]));
}

#define NEXT(name) \
	static __typeof__(&name) real; \
	if (real == NULL) \
	*(void **)&real = dlsym(RTLD_NEXT, #name)

/* A call that is passed on, or fails with -1. */
#define CALL(call, type, name, parameters, ...) \
	type name parameters \
	{ \
		NEXT(name); \
		return fails(call) ? (type)-1 : real(__VA_ARGS__); \
	}

/* One that moves bytes. */
#define MOVE(call, name, parameters, ...) \
	ssize_t name parameters \
	{ \
		NEXT(name); \
		return fails(call) ? -1 : real(__VA_ARGS__); \
	}

void *
malloc(size_t n)
{
	return fails(ALLOC) ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails(ALLOC) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails(ALLOC) ? NULL : __libc_realloc(p, n);
}

CALL(ACCEPT, int, accept4, (int s, struct sockaddr *a, socklen_t *n, int flags),
    s, a, n, flags)
CALL(DUP, int, dup2, (int a, int b), a, b)
CALL(FSYNC, int, fsync, (int f), f)
CALL(FSYNC, int, fdatasync, (int f), f)
CALL(FTRUNCATE, int, ftruncate64, (int f, off_t n), f, n)
CALL(PIPE, int, pipe2, (int p[2], int flags), p, flags)
CALL(STAT, int, stat, (const char *p, struct stat *st), p, st)
CALL(STAT, int, stat64, (const char *p, struct stat64 *st), p, st)
CALL(STAT, int, lstat64, (const char *p, struct stat64 *st), p, st)
CALL(STAT, int, fstat, (int f, struct stat *st), f, st)
CALL(STAT, int, fstat64, (int f, struct stat64 *st), f, st)

MOVE(READ, read, (int f, void *b, size_t n), f, b, most(READ, n))
MOVE(WRITE, write, (int f, const void *b, size_t n), f, b, most(WRITE, n))
MOVE(PREAD, pread64, (int f, void *b, size_t n, off_t o), f, b, most(PREAD, n),
    o)
MOVE(PWRITE, pwrite64, (int f, const void *b, size_t n, off_t o), f, b,
    most(PWRITE, n), o)
MOVE(RECV, recv, (int f, void *b, size_t n, int flags), f, b, most(RECV, n),
    flags)
MOVE(SEND, send, (int f, const void *b, size_t n, int flags), f, b,
    most(SEND, n), flags)

int
flock(int f, int how)
{
	NEXT(flock);
	return how != LOCK_UN && fails(FLOCK) ? -1 : real(f, how);
}

void *
mmap64(void *p, size_t n, int prot, int flags, int f, off_t o)
{
	NEXT(mmap64);
	return fails(MMAP) ? MAP_FAILED : real(p, n, prot, flags, f, o);
}

FILE *
fopen(const char *path, const char *mode)
{
	NEXT(fopen);
	return fails(OPEN) ? NULL : real(path, mode);
}

DIR *
opendir(const char *path)
{
	NEXT(opendir);
	return fails(OPEN) ? NULL : real(path);
}

int
posix_spawnp(pid_t *pid, const char *file,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	NEXT(posix_spawnp);
	return fails(SPAWN) ? error :
			      real(pid, file, actions, attr, argv, envp);
}

/* With an argument more, as all of these take one or pass over it. */
#define MORE(call, name, type, first, spared) \
	int name(type first, int second, ...) \
	{ \
		va_list ap; \
		void *more; \
		NEXT(name); \
		va_start(ap, second); \
		more = va_arg(ap, void *); \
		va_end(ap); \
		return !(spared) && fails(call) ? -1 : \
						  real(first, second, more); \
	}

/* To let go of a lock does not fail. */
#define UNLOCK (second == F_SETLK && ((struct flock *)more)->l_type == F_UNLCK)

MORE(OPEN, open, const char *, path, 0)
MORE(OPEN, open64, const char *, path, 0)
MORE(FCNTL, fcntl, int, f, UNLOCK)
MORE(FCNTL, fcntl64, int, f, UNLOCK)
