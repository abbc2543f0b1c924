/* SPDX-License-Identifier: ISC */
/* What is kept of a build's log, beside the database. */
#include <sys/file.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/check.h"
#include "data/digest.h"
#include "data/json.h"
#include "data/print.h"
#include "log/keep.h"

#define STEPS "steps.json"
#define MOST (64 << 20) /* bytes of it */
#define NAME 32 /* hexadecimal digits of a directory's name */

static void
name(char text[NAME + 1], const char *provider, const char *build_id)
{
	const char *const texts[] = { provider, build_id };

	digest_name(text, NAME, texts, 2);
}

struct keep *
keep_open(
    const char *database, const char *provider, const char *build_id, bool make)
{
	struct keep *k;
	char digits[NAME + 1], *path;
	int fd, logs;

	name(digits, provider, build_id);
	path = xasprintf("%s-logs", database);
	if (make && mkdir(path, 0700) == -1 && errno != EEXIST)
		err(EX_TEMPFAIL, "%s", path);
	logs = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (logs == -1) {
		if (!make && errno == ENOENT) {
			free(path);
			return NULL;
		}
		err(EX_TEMPFAIL, "%s", path);
	}
	if (make && mkdirat(logs, digits, 0700) == -1 && errno != EEXIST)
		err(EX_TEMPFAIL, "%s/%s", path, digits);
	fd = openat(logs, digits, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && (make || errno != ENOENT))
		err(EX_TEMPFAIL, "%s/%s", path, digits);
	close(logs);
	free(path);
	if (fd == -1)
		return NULL;
	k = xcalloc(1, sizeof(*k));
	k->directory = fd;
	k->seen = -1;
	k->done = -1;
	return k;
}

/* No step, no end, no fault. */
static void
empty(struct keep *k)
{
	for (size_t i = 0; i < k->steps; i++) {
		free(k->step[i].id);
		free(k->step[i].name);
		free(k->step[i].command);
		free(k->step[i].started_at);
		free(k->step[i].finished_at);
	}
	free(k->step);
	k->step = NULL;
	k->steps = 0;
	k->done = -1;
	free(k->fault);
	k->fault = NULL;
}

void
keep_close(struct keep *k)
{
	if (k == NULL)
		return;
	empty(k);
	close(k->directory);
	if (k->seen != -1)
		close(k->seen);
	free(k);
}

bool
keep_lock(struct keep *k, bool wait)
{
	while (flock(k->directory, LOCK_EX | (wait ? 0 : LOCK_NB)) == -1)
		if (errno == EWOULDBLOCK)
			return false;
		else if (errno != EINTR)
			err(EX_TEMPFAIL, "flock");
	return true;
}

bool
keep_locked(struct keep *k)
{
	if (!keep_lock(k, false))
		return true;
	flock(k->directory, LOCK_UN);
	return false;
}

struct keep_step *
keep_add(struct keep *k, const char *id)
{
	struct keep_step *s;

	k->step = xreallocarray(k->step, k->steps + 1, sizeof(*k->step));
	s = &k->step[k->steps++];
	memset(s, 0, sizeof(*s));
	s->exit = NAN;
	s->id = xstrdup(id);
	return s;
}

static void
take_step(jv v, void *arg)
{
	const char *id = json_str(&v, "id");
	struct keep_step *s = keep_add(arg, id != NULL ? id : "");

	s->name = json_str_copy(&v, "name");
	s->command = json_str_copy(&v, "command");
	s->started_at = json_str_copy(&v, "started_at");
	s->finished_at = json_str_copy(&v, "finished_at");
	s->system = json_true(&v, "system");
	s->ended = json_true(&v, "ended");
	s->drained = json_true(&v, "drained");
	s->exit = json_number(&v, "exit", NAN);
	s->left_out = json_int(&v, "left_out", 0);
	s->again = (int)json_int(&v, "again", 0);
	jv_free(v);
}

/* The steps.json of now, parsed; invalid if it is not there or no JSON. */
static jv
slurp(int fd)
{
	size_t size;
	char *text = file_bytes(fd, MOST, &size);
	jv v = jv_invalid();

	if (text != NULL && check_json(text, size, NULL, 0) == -1) {
		jv_free(v);
		v = json_parse(text, size);
	}
	free(text);
	return v;
}

bool
keep_read(struct keep *k)
{
	int fd = openat(k->directory, STEPS, O_RDONLY | O_CLOEXEC);
	struct stat st, was;
	jv v, steps;

	if (fd == -1)
		return false;
	if (fstat(fd, &st) == -1 ||
	    (k->seen != -1 && fstat(k->seen, &was) == -1))
		err(EX_TEMPFAIL, STEPS);
	/* What is held open keeps its number to itself. */
	if (k->seen != -1 && st.st_ino == was.st_ino) {
		close(fd);
		return false;
	}
	if (k->seen != -1)
		close(k->seen);
	k->seen = fd;
	v = slurp(fd);
	empty(k);
	steps = json_get(&v, "steps");
	json_each(&steps, take_step, k);
	jv_free(steps);
	k->done = json_int(&v, "done", -1);
	k->fault = json_str_copy(&v, "fault");
	k->for_good = json_true(&v, "for_good");
	k->fault_at = json_int(&v, "fault_at", 0);
	jv_free(v);
	return true;
}

bool
keep_complete(const struct keep *k)
{
	for (size_t i = 0; i < k->steps; i++)
		if (k->step[i].started_at != NULL && !k->step[i].drained)
			return false;
	return true;
}

static jv
step_json(const struct keep_step *s)
{
	jv v = json_set_str(jv_object(), "id", s->id);

	if (s->name != NULL)
		v = json_set_str(v, "name", s->name);
	if (s->command != NULL)
		v = json_set_str(v, "command", s->command);
	if (s->started_at != NULL)
		v = json_set_str(v, "started_at", s->started_at);
	if (s->finished_at != NULL)
		v = json_set_str(v, "finished_at", s->finished_at);
	if (s->system)
		v = json_set(v, "system", jv_true());
	if (s->ended)
		v = json_set(v, "ended", jv_true());
	if (s->drained)
		v = json_set(v, "drained", jv_true());
	if (!isnan(s->exit))
		v = json_set(v, "exit", jv_number(s->exit));
	if (s->left_out > 0)
		v = json_set(v, "left_out", jv_number((double)s->left_out));
	if (s->again > 0)
		v = json_set(v, "again", jv_number(s->again));
	return v;
}

void
keep_write(struct keep *k)
{
	jv v = jv_object(), steps = jv_array();
	size_t length;
	char *text;

	for (size_t i = 0; i < k->steps; i++)
		steps = jv_array_append(steps, step_json(&k->step[i]));
	v = json_set(v, "steps", steps);
	if (k->done != -1)
		v = json_set(v, "done", jv_number((double)k->done));
	if (k->fault != NULL) {
		v = json_set_str(v, "fault", k->fault);
		v = json_set(
		    v, "for_good", k->for_good ? jv_true() : jv_false());
		v = json_set(v, "fault_at", jv_number((double)k->fault_at));
	}
	text = print_text(v);
	length = strlen(text);
	text[length] = '\n';
	if (file_replace(
		k->directory, STEPS, text, length + 1, k->done != -1) == -1)
		err(EX_TEMPFAIL, STEPS);
	free(text);
}

static void
file_name(char text[64], const struct keep *k, size_t step)
{
	int again = k->step[step].again;

	if (again == 0)
		snprintf(text, 64, "%zu.raw", step);
	else
		snprintf(text, 64, "%zu-%d.raw", step, again);
}

int
keep_bytes(const struct keep *k, size_t step, bool append)
{
	char file[64];
	int fd;

	file_name(file, k, step);
	fd = openat(k->directory, file,
	    append ? O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC :
		     O_RDONLY | O_CLOEXEC,
	    0600);
	if (fd == -1 && (append || errno != ENOENT))
		err(EX_TEMPFAIL, "%s", file);
	return fd;
}

void
keep_again(struct keep *k, size_t step, int64_t left_out)
{
	char file[64];

	file_name(file, k, step);
	k->step[step].again++;
	k->step[step].left_out = left_out;
	keep_write(k);
	if (unlinkat(k->directory, file, 0) == -1 && errno != ENOENT)
		warn("%s", file);
}
