/* SPDX-License-Identifier: ISC */
/* A small file, read whole and replaced whole. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* Close without a change of errno. */
static void
drop(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

char *
file_bytes(int fd, size_t most, size_t *length)
{
	struct stat st;
	size_t size, n = 0;
	ssize_t got = -1;
	char *text;

	if (fstat(fd, &st) == -1)
		return NULL;
	/* A pipe says nothing of its size, and a file may grow meanwhile. */
	size = (size_t)st.st_size;
	text = xmalloc(size + 2);
	while (n <= most) {
		got = read(fd, text + n, size + 1 - n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
		if (n > size) {
			size = 2 * n;
			text = xrealloc(text, size + 2);
		}
	}
	if (got == -1 || n > most) {
		if (n > most)
			errno = EFBIG;
		free(text);
		return NULL;
	}
	text[n] = '\0';
	if (length != NULL)
		*length = n;
	return text;
}

char *
file_read(int dir, const char *path, size_t most, size_t *length)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char *text;

	if (fd == -1)
		return NULL;
	text = file_bytes(fd, most, length);
	drop(fd);
	return text;
}

/* Write all of a text to a new file, to the disk with firm. */
static int
write_new(int dir, const char *path, const char *text, size_t length, bool firm)
{
	int fd =
	    openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;
	ssize_t n;

	if (fd == -1)
		return -1;
	while (done < length) {
		n = write(fd, text + done, length - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		done += (size_t)n;
	}
	if (done < length || (firm && fsync(fd) == -1)) {
		drop(fd);
		return -1;
	}
	return close(fd);
}

/* The name of a file is on the disk when its directory is. */
static int
sync_directory(int dir, const char *path)
{
	char *copy = xstrdup(path);
	int fd = openat(dir, dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd == -1 ? -1 : fsync(fd);

	if (fd != -1)
		drop(fd);
	free(copy);
	return result;
}

int
file_replace(
    int dir, const char *path, const char *text, size_t length, bool firm)
{
	char *fresh = xasprintf("%s.new", path);
	int result = write_new(dir, fresh, text, length, firm);
	int saved;

	if (result != -1)
		result = renameat(dir, fresh, dir, path);
	if (result == -1) {
		saved = errno;
		unlinkat(dir, fresh, 0);
		errno = saved;
	} else if (firm)
		result = sync_directory(dir, path);
	free(fresh);
	return result;
}
