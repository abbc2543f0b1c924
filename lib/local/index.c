/* SPDX-License-Identifier: ISC */
/* Which builds of the embedded CI are open, and which ended when. */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/stamp.h"
#include "local/index.h"

#define DAY 11 /* bytes of YYYY-MM-DD */
#define PLACE (DAY + DIR_ID + 16)

static void
day_of(char day[DAY], int64_t ms)
{
	char text[32];

	stamp_write(text, ms);
	memcpy(day, text, DAY - 1);
	day[DAY - 1] = '\0';
}

/* Call fn with the name of each entry of a directory, if it is there. */
static void
each(const struct dir *j, const char *name,
    void (*fn)(const char *entry, void *), void *arg)
{
	int fd = openat(j->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd == -1 && errno == ENOENT)
		return;
	if (fd == -1 || (dir = fdopendir(fd)) == NULL)
		dir_fail(name);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			fn(entry->d_name, arg);
	closedir(dir);
}

static void
enter(const struct dir *j, const char *dir, const char *id)
{
	char place[PLACE];
	int fd;

	snprintf(place, sizeof(place), "%s/%s", dir, id);
	fd = openat(j->fd, place, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		dir_fail(place);
	close(fd);
}

static void
make_directory(const struct dir *j, const char *dir)
{
	if (mkdirat(j->fd, dir, 0700) == -1 && errno != EEXIST)
		dir_fail(dir);
}

static void
enter_old(const char *id, void *arg)
{
	enter(arg, "open.new", id);
}

void
index_open(const struct dir *j)
{
	int all;

	if (faccessat(j->fd, "open", F_OK, 0) == 0)
		return;
	if ((all = dir_lock(j, true)) == -1)
		dir_fail(j->path);
	if (faccessat(j->fd, "open", F_OK, 0) == -1) {
		make_directory(j, "ended");
		make_directory(j, "open.new");
		/* Whoever looks next finds out which of them have ended. */
		dir_each(j, enter_old, (void *)j);
		if (renameat(j->fd, "open.new", j->fd, "open") == -1)
			dir_fail("open");
	}
	close(all);
}

void
index_add(const struct dir *j, const char *id)
{
	enter(j, "open", id);
}

void
index_end(const struct dir *j, const char *id, int64_t ms)
{
	char from[PLACE], to[PLACE], day[DAY];

	day_of(day, ms);
	snprintf(from, sizeof(from), "open/%s", id);
	snprintf(to, sizeof(to), "ended/%s", day);
	if (mkdirat(j->fd, to, 0700) == -1 && errno != EEXIST)
		return;
	snprintf(to, sizeof(to), "ended/%s/%s", day, id);
	renameat(j->fd, from, j->fd, to);
}

bool
index_is_open(const struct dir *j, const char *id)
{
	char place[PLACE];

	snprintf(place, sizeof(place), "open/%s", id);
	return faccessat(j->fd, place, F_OK, 0) == 0;
}

struct walk {
	const struct dir *jobs;
	void (*fn)(const char *id, void *);
	void *arg;
	char since[DAY];
	char day[DAY + 8];
};

/* Whoever makes a build enters it first, under the lock of all. */
static void
drop(const struct dir *j, const char *id)
{
	int all = dir_lock(j, false);
	char *place;

	if (all == -1)
		return;
	place = xasprintf("open/%s", id);
	if (!dir_exists(j, id))
		unlinkat(j->fd, place, 0);
	free(place);
	close(all);
}

static void
visit_open(const char *id, void *arg)
{
	const struct walk *w = arg;

	if (dir_exists(w->jobs, id))
		w->fn(id, w->arg);
	else
		drop(w->jobs, id);
}

static void
visit_ended(const char *id, void *arg)
{
	const struct walk *w = arg;
	char *place;

	if (dir_exists(w->jobs, id)) {
		w->fn(id, w->arg);
		return;
	}
	place = xasprintf("%s/%s", w->day, id);
	unlinkat(w->jobs->fd, place, 0);
	free(place);
}

static void
visit_day(const char *day, void *arg)
{
	struct walk *w = arg;

	if (strlen(day) != DAY - 1 || strcmp(day, w->since) < 0)
		return;
	snprintf(w->day, sizeof(w->day), "ended/%s", day);
	each(w->jobs, w->day, visit_ended, w);
}

void
index_each_open(
    const struct dir *j, void (*fn)(const char *id, void *), void *arg)
{
	struct walk w = { .jobs = j, .fn = fn, .arg = arg };

	each(j, "open", visit_open, &w);
}

void
index_each_ended(const struct dir *j, int64_t ms,
    void (*fn)(const char *id, void *), void *arg)
{
	struct walk w = { .jobs = j, .fn = fn, .arg = arg };

	day_of(w.since, ms);
	each(j, "ended", visit_day, &w);
}
