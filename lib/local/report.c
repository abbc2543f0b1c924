/* SPDX-License-Identifier: ISC */
/* What the embedded CI tells of its builds. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/err.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "data/json.h"
#include "data/print.h"
#include "local/report.h"

#define REPORT_MS 20000 /* longer than the wait for the database's lock */

/* One line through a filter; what comes out, for the caller to free. */
static char *
through(const char *tool, const char *line)
{
	const char *const argv[] = { tool, NULL };
	int64_t deadline = clock_ticks() + REPORT_MS;
	struct pollfd p = { .events = POLLIN };
	size_t length = strlen(line), size = 0;
	char *text = NULL, bytes[4096];
	FILE *out = mem_open(&text, &size);
	int in, status = -1;
	ssize_t n = -1;
	pid_t pid;

	if ((pid = child_start(argv, &in, &p.fd)) != -1) {
		/* A pipe holds more than a report is long. */
		if (write(in, line, length) != (ssize_t)length)
			warn("%s", tool);
		close(in);
		while (clock_ticks() < deadline && n != 0) {
			if (poll(&p, 1, (int)(deadline - clock_ticks())) > 0 &&
			    (n = read(p.fd, bytes, sizeof(bytes))) > 0)
				fwrite(bytes, 1, (size_t)n, out);
		}
		close(p.fd);
		if (n != 0)
			kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	mem_close(out, &text);
	if (status == 0)
		return text;
	free(text);
	return NULL;
}

/* Tell tack, as a poll would; it will ask by itself if this fails. */
void
report_build(const jv *build)
{
	jv rec = jv_object();
	char *line, *text;

	rec = json_set_str(rec, "provider", "local");
	rec = json_set_str(rec, "event", "poll");
	rec = json_set(rec, "asked_at", jv_number((double)clock_now()));
	rec = json_set(
	    rec, "payload", json_set(jv_object(), "build", jv_copy(*build)));
	text = print_text(rec);
	line = xasprintf("%s\n", text);
	free(text);
	text = through("tack-resolve", line);
	free(line);
	line = text != NULL ? through("tack-status", text) : NULL;
	if (line == NULL)
		warnx("not reported; tack-poll will ask");
	free(line);
	free(text);
}
