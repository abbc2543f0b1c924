/* SPDX-License-Identifier: ISC */
/* The filters that requests go through, many at once or one alone. */
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "data/check.h"
#include "data/record.h"
#include "web/pipeline.h"

#define START_TIME 5000 /* ms; filters that end by then are misconfigured */
#define LINE_MAX_SIZE (1024 * 1024)
#define PIPE_SIZE (256 * 1024) /* 64 KiB are 12 webhooks: a commit for each */
#define BACKLOG_MAX (64 * 1024 * 1024) /* queued for the filters */

struct pipeline {
	const char *command;
	pipeline_answer_fn *answer;
	pipeline_ended_fn *ended;
	int in; /* -1 when its input is closed, or it does not run */
	int out;
	struct bytes queue;
	struct bytes lines;
	int64_t start;
	pid_t pid; /* of the last start */
	bool again; /* this is not the first start */
	bool answered;
	bool once;
};

struct pipeline *
pipeline_new(const char *command, bool once, pipeline_answer_fn *answer,
    pipeline_ended_fn *ended)
{
	struct pipeline *p = xcalloc(1, sizeof(*p));

	p->command = command;
	p->once = once;
	p->answer = answer;
	p->ended = ended;
	p->in = p->out = -1;
	return p;
}

static void
shut(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* Did a signal end the filters?  Then nobody has set them up wrongly. */
static bool
killed(const struct pipeline *p)
{
	siginfo_t info;

	for (int i = 0; i < 100; i++) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)p->pid, &info,
			WEXITED | WNOHANG | WNOWAIT) == -1)
			return false;
		if (info.si_pid != 0)
			return info.si_code != CLD_EXITED;
		poll(NULL, 0, 10);
	}
	return false;
}

static void
end(struct pipeline *p)
{
	shut(&p->in);
	shut(&p->out);
	p->queue.length = p->lines.length = 0;
	p->ended();
	if (p->once)
		return;
	if (!p->again && !p->answered &&
	    clock_ticks() - p->start < START_TIME && !killed(p))
		errx(EX_CONFIG, "pipeline ended at start, see above");
	p->again = true;
	warnx("pipeline ended");
}

/*
 * A shell that waits for a pipeline holds its output open, so the death of
 * the last filter would show only when the first is dead too.  This one lets
 * go of both ends; job control keeps the filters' standard input theirs.
 */
static pid_t
spawn(struct pipeline *p)
{
	static const char *const plain[] = { "tack-webhook", NULL };
	const char *shell[] = { "/bin/bash", "-c",
		"set -m; eval \"$1 &\"; set +m; exec <&- >&-; wait",
		"tack-http", p->command, NULL };

	return child_start(p->command == NULL ? plain : shell, &p->in, &p->out);
}

void
pipeline_start(struct pipeline *p)
{
	if (p->in != -1)
		return;
	shut(&p->out);
	p->start = clock_ticks();
	if ((p->pid = spawn(p)) != -1)
		fcntl(p->in, F_SETPIPE_SZ, PIPE_SIZE); /* or it stays small */
	else if (!p->again && (errno == ENOENT || errno == EACCES))
		errx(EX_CONFIG, "pipeline ended at start, see above");
}

void
pipeline_greet(struct pipeline *p, const char *record, int milliseconds)
{
	int64_t end = clock_ticks() + milliseconds, now;
	struct pollfd fds[PIPELINE_FDS];

	if (p->in == -1)
		return;
	bytes_add(&p->queue, record, strlen(record));
	while (!p->answered && (now = clock_ticks()) < end) {
		pipeline_poll(p, fds);
		if (poll(fds, PIPELINE_FDS, (int)(end - now)) > 0)
			pipeline_run(p, fds);
	}
}

struct bytes *
pipeline_room(struct pipeline *p)
{
	pipeline_start(p);
	return p->in == -1 || p->queue.length > BACKLOG_MAX ? NULL : &p->queue;
}

void
pipeline_feed(struct pipeline *p)
{
	ssize_t n;

	if (p->in == -1)
		return;
	if (p->queue.length > 0) {
		n = write(p->in, p->queue.text, p->queue.length);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			end(p);
		if (n > 0)
			bytes_drop(&p->queue, (size_t)n);
	}
	if (p->queue.length == 0 && p->once)
		shut(&p->in);
}

static void
line(struct pipeline *p, const char *text, size_t length)
{
	static const char *const id[] = { "id", NULL };
	static const char *const settled[] = { "outcome", NULL };
	struct check_want want[] = { { .path = id }, { .path = settled } };
	const struct check_span *said = &want[1].value;
	enum record_outcome outcome = RECORD_OPEN;
	ssize_t wrong;

	p->answered = true;
	if ((wrong = check_json(text, length, want, 2)) != -1) {
		warnx("pipeline: %s", check_why(text, length, wrong));
		return;
	}
	if (said->text != NULL && *said->text == '"')
		outcome = record_named(said->text + 1, said->length - 2);
	p->answer(want[0].value.text, want[0].value.length,
	    record_http_status(outcome));
}

static void
drain(struct pipeline *p)
{
	ssize_t n = bytes_read(&p->lines, p->out);
	size_t offset = 0, length;
	const char *text;

	if (n == -1)
		return;
	while ((text = bytes_line(&p->lines, &offset, &length)) != NULL)
		line(p, text, length);
	bytes_drop(&p->lines, offset);
	if (n == 0)
		end(p);
	else if (p->lines.length > LINE_MAX_SIZE) {
		warnx("pipeline: line too long");
		end(p);
	}
}

void
pipeline_poll(const struct pipeline *p, struct pollfd fds[PIPELINE_FDS])
{
	fds[0] =
	    (struct pollfd){ p->queue.length > 0 ? p->in : -1, POLLOUT, 0 };
	fds[1] = (struct pollfd){ p->out, POLLIN, 0 };
}

void
pipeline_run(struct pipeline *p, const struct pollfd fds[PIPELINE_FDS])
{
	if (fds[1].revents != 0 && p->out != -1)
		drain(p);
	if (fds[0].revents != 0)
		pipeline_feed(p);
}
