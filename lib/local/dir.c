/* SPDX-License-Identifier: ISC */
/* The directory of the embedded CI's builds. */
#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "local/dir.h"

const char *
dir_name(char text[DIR_NAME], const char *id, const char *file)
{
	if (snprintf(text, DIR_NAME, "%s/%s", id, file) >= DIR_NAME)
		errx(EX_SOFTWARE, "%s: long name", file);
	return text;
}

bool
dir_full(void)
{
	return errno == ENOSPC || errno == EDQUOT;
}

void
dir_fail(const char *what)
{
	int status =
	    dir_full() || errno == EMFILE || errno == ENFILE || errno == EIO ?
	    EX_TEMPFAIL :
	    EX_CANTCREAT;

	err(status, "%s", what);
}

void
dir_open(struct dir *j, const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		dir_fail(path);
	if ((j->path = realpath(path, NULL)) == NULL ||
	    (j->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    fstat(j->fd, &st) == -1)
		dir_fail(path);
	if ((st.st_mode & 022) != 0)
		errx(EX_CONFIG, "%s: others may write it; chmod 700 it", path);
}

static bool
is_id(const char *text)
{
	return strlen(text) == DIR_ID &&
	    strspn(text, "0123456789abcdef") == DIR_ID;
}

void
dir_each(const struct dir *j, void (*fn)(const char *id, void *), void *arg)
{
	int fd = openat(j->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd == -1 || (dir = fdopendir(fd)) == NULL)
		dir_fail(j->path);
	while ((entry = readdir(dir)) != NULL)
		if (is_id(entry->d_name))
			fn(entry->d_name, arg);
	closedir(dir);
}

bool
dir_exists(const struct dir *j, const char *id)
{
	return is_id(id) && faccessat(j->fd, id, F_OK, 0) == 0;
}

int
dir_lock(const struct dir *j, bool wait)
{
	int fd = openat(j->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		dir_fail(j->path);
	if (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) == 0)
		return fd;
	if (errno != EWOULDBLOCK)
		dir_fail(j->path);
	close(fd);
	return -1;
}
