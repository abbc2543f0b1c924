/* SPDX-License-Identifier: ISC */
/* A doorbell: a file that one process rings and any number wait for. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/futex.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/bell.h"
#include "base/mem.h"

struct bell {
	char *path;
	bool to_ring;
	_Atomic uint32_t *rings; /* NULL while there is no file */
	uint32_t heard;
	struct stat file;
};

/* Map the file that the path leads to now. */
static bool
map(struct bell *b)
{
	int fd = open(b->path,
	    O_CLOEXEC | O_NOFOLLOW | (b->to_ring ? O_RDWR | O_CREAT : O_RDONLY),
	    0600);
	void *page;

	if (fd == -1)
		return false;
	if (fstat(fd, &b->file) == -1 ||
	    (b->file.st_size < (off_t)sizeof(uint32_t) &&
		(!b->to_ring || ftruncate(fd, sizeof(uint32_t)) == -1))) {
		errno = ENODATA;
		close(fd);
		return false;
	}
	page = mmap(NULL, sizeof(uint32_t),
	    b->to_ring ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return false;
	b->rings = page;
	b->heard = atomic_load(b->rings);
	return true;
}

static void
unmap(struct bell *b)
{
	if (b->rings != NULL)
		munmap(b->rings, sizeof(uint32_t));
	b->rings = NULL;
}

struct bell *
bell_open(const char *path, bool to_ring)
{
	struct bell *b = xcalloc(1, sizeof(*b));

	b->path = xstrdup(path);
	b->to_ring = to_ring;
	if (!map(b))
		warn("%s: looking once a second instead", path);
	return b;
}

void
bell_free(struct bell *b)
{
	if (b == NULL)
		return;
	unmap(b);
	free(b->path);
	free(b);
}

void
bell_ring(struct bell *b)
{
	if (b->rings == NULL)
		return;
	atomic_fetch_add(b->rings, 1);
	syscall(SYS_futex, b->rings, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Is the file still the one that is mapped, and whole? */
static bool
current(const struct bell *b)
{
	struct stat now;

	return stat(b->path, &now) == 0 && now.st_ino == b->file.st_ino &&
	    now.st_dev == b->file.st_dev &&
	    now.st_size >= (off_t)sizeof(uint32_t);
}

void
bell_wait(struct bell *b, int milliseconds)
{
	struct timespec span = { milliseconds / 1000,
		milliseconds % 1000 * 1000000L };

	if (b->rings != NULL && !current(b))
		unmap(b);
	if (b->rings == NULL && map(b))
		return; /* who knows what was missed */
	if (b->rings == NULL) {
		nanosleep(&span, NULL);
		return;
	}
	syscall(SYS_futex, b->rings, FUTEX_WAIT, b->heard, &span, NULL, 0);
	b->heard = atomic_load(b->rings);
}
