/* SPDX-License-Identifier: ISC */
/* Send another process to fetch a log. */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/child.h"
#include "base/mem.h"
#include "base/setting.h"
#include "data/json.h"
#include "data/print.h"
#include "log/errand.h"

struct errand {
	pid_t child; /* 0: over the socket */
	int to, from; /* open as long as we wait; it ends with the first */
	bool over;
	int status;
};

static char *
request(const char *knot, const char *rkey, const char *workflow, bool follow)
{
	jv ref = json_set_str(jv_object(), "knot", knot), v;

	ref = json_set_str(ref, "pipeline_rkey", rkey);
	ref = json_set_str(ref, "workflow", workflow);
	v = json_set(jv_object(), "ref", ref);
	return print_text(
	    json_set(v, "follow", follow ? jv_true() : jv_false()));
}

/* A connection to who listens at the path. */
static int
connect_to(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(name.sun_path))
		errx(EX_CONFIG, "TACK_LOGS_SOCKET: %s: too long", path);
	strcpy(name.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		err(EX_TEMPFAIL, "TACK_LOGS_SOCKET: %s", path);
	return fd;
}

struct errand *
errand_send(const char *database, const char *knot, const char *rkey,
    const char *workflow, bool follow)
{
	const char *const argv[] = { "tack-fetch", "-r", "-d", database, NULL };
	const char *path = setting_text("TACK_LOGS_SOCKET");
	struct errand *e = xcalloc(1, sizeof(*e));
	char *text = request(knot, rkey, workflow, follow);
	size_t length = strlen(text);
	void (*was)(int);

	e->status = -1;
	if (path != NULL)
		e->to = e->from = connect_to(path);
	else if ((e->child = child_start(argv, &e->to, &e->from)) == -1)
		exit(EX_TEMPFAIL);
	was = signal(SIGPIPE, SIG_IGN);
	text[length] = '\n'; /* there is room for it in a pipe */
	if (write(e->to, text, length + 1) != (ssize_t)length + 1)
		err(EX_TEMPFAIL, "tack-fetch");
	signal(SIGPIPE, was);
	free(text);
	return e;
}

/* It has closed its end: see how it ended. */
static void
finish(struct errand *e)
{
	int status;

	e->over = true;
	close(e->from);
	if (e->child == 0)
		return;
	while (waitpid(e->child, &status, 0) == -1)
		if (errno != EINTR)
			err(EX_OSERR, "waitpid");
	e->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	close(e->to);
}

bool
errand_over(struct errand *e, bool wait, int *status)
{
	struct pollfd p = { e->from, POLLIN, 0 };
	unsigned char said;
	ssize_t n;

	/* Its answer is a byte; without it, it was killed. */
	while (!e->over && poll(&p, 1, wait ? -1 : 0) != 0) {
		n = read(e->from, &said, 1);
		if (n == 1)
			e->status = said;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			finish(e);
	}
	*status = e->over ? e->status : 0;
	return e->over;
}
