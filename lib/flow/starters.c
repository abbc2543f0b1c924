/* SPDX-License-Identifier: ISC */
/* Starting builds side by side, each in a process of its own. */
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "data/check.h"
#include "data/json.h"
#include "flow/attempt.h"
#include "flow/starters.h"

#define STARTERS 16 /* processes at once */
#define ANSWER 65536 /* bytes of a starter's record */

/* A process that starts the build of a row, and what it says. */
struct starter {
	int64_t row;
	pid_t pid;
	int fd;
	size_t length;
	char *text;
};

static bool
launch(const char *database, struct starter *s, int64_t row)
{
	char number[24];
	const char *const argv[] = { "tack-spawn", "-s", number, "-d", database,
		NULL };

	snprintf(number, sizeof(number), "%" PRId64, row);
	memset(s, 0, sizeof(*s));
	s->row = row;
	s->text = xmalloc(ANSWER + 1);
	return (s->pid = child_start(argv, NULL, &s->fd)) != -1;
}

/* The record of a row that is not started yet. */
static jv
waiting(struct builds *b, int64_t id, const char *why)
{
	jv row = build_row(b, id);
	jv rec = attempt_defer(&row, why);

	jv_free(row);
	return rec;
}

/* The record of a starter that has ended, or is left to itself. */
static jv
collect(struct builds *b, struct starter *s, bool ended)
{
	const char *why = "the CI has not answered yet";
	jv rec = jv_invalid();
	int status = 0;

	close(s->fd);
	if (ended) {
		why = "it could not be tried";
		while (waitpid(s->pid, &status, 0) == -1 && errno == EINTR)
			continue;
		s->text[s->length] = '\0';
		if (check_json(s->text, s->length, NULL, 0) == -1)
			rec = json_parse(s->text, s->length);
	}
	if (!jv_is_valid(rec)) {
		jv_free(rec);
		rec = waiting(b, s->row, why);
	}
	free(s->text);
	return rec;
}

/* Read what a starter says; false when it has said all. */
static bool
hear(struct starter *s)
{
	ssize_t n = read(s->fd, s->text + s->length, ANSWER - s->length);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n > 0)
		s->length += (size_t)n;
	return n > 0;
}

jv
starters_run(struct builds *b, const char *database, const int64_t *rows,
    size_t count, int64_t patience)
{
	int64_t end = clock_ticks() + patience, left;
	struct starter running[STARTERS];
	struct pollfd p[STARTERS];
	size_t next = 0, n = 0;
	jv out = jv_array();

	while (next < count || n > 0) {
		while (n < STARTERS && next < count)
			if (launch(database, &running[n], rows[next++]))
				n++;
			else {
				free(running[n].text);
				out = jv_array_append(out,
				    waiting(b, rows[next - 1],
					"it could not be tried"));
			}
		for (size_t i = 0; i < n; i++)
			p[i] = (struct pollfd){ running[i].fd, POLLIN, 0 };
		left = end - clock_ticks();
		if (n == 0 || left <= 0)
			break;
		if (poll(p, n, (int)left) == -1 && errno != EINTR)
			err(EX_OSERR, "poll");
		for (size_t i = n; i-- > 0;)
			if (p[i].revents != 0 && !hear(&running[i])) {
				out = jv_array_append(
				    out, collect(b, &running[i], true));
				running[i] = running[--n];
			}
	}
	for (size_t i = 0; i < n; i++)
		out = jv_array_append(out, collect(b, &running[i], false));
	for (; next < count; next++)
		out = jv_array_append(
		    out, waiting(b, rows[next], "others are started first"));
	return out;
}
