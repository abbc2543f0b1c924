/* SPDX-License-Identifier: ISC */
/* Send another process to fetch a log. */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "data/check.h"
#include "data/json.h"
#include "data/print.h"
#include "log/errand.h"
#include "log/fetch.h"

#define ASKED 65536 /* bytes of a request */

struct errand {
	pid_t child; /* 0: over the socket */
	int socket;
	bool over;
	int status;
};

/* Nothing that waits for the end of our input or output waits for this. */
static void
detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1)
		err(EX_OSERR, "/dev/null");
}

static jv
request(const char *knot, const char *rkey, const char *workflow, bool follow)
{
	jv ref = json_set_str(jv_object(), "knot", knot);

	ref = json_set_str(ref, "pipeline_rkey", rkey);
	ref = json_set_str(ref, "workflow", workflow);
	ref = json_set(jv_object(), "ref", ref);
	return json_set(ref, "follow", follow ? jv_true() : jv_false());
}

/* Ask over the socket, which stays open as long as we wait. */
static int
ask(const char *path, char *text)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t length = strlen(text);
	int fd;

	if (strlen(path) >= sizeof(name.sun_path))
		errx(EX_CONFIG, "TACK_LOGS_SOCKET: %s: too long", path);
	strcpy(name.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		err(EX_TEMPFAIL, "TACK_LOGS_SOCKET: %s", path);
	text[length] = '\n';
	if (send(fd, text, length + 1, MSG_NOSIGNAL) != (ssize_t)length + 1)
		err(EX_TEMPFAIL, "TACK_LOGS_SOCKET: %s", path);
	text[length] = '\0';
	return fd;
}

struct errand *
errand_send(const char *database, const char *knot, const char *rkey,
    const char *workflow, struct mask *mask, bool follow)
{
	const char *path = getenv("TACK_LOGS_SOCKET");
	struct errand *e = calloc(1, sizeof(*e));
	pid_t parent = getpid();
	char *text;

	if (e == NULL)
		err(EX_OSERR, NULL);
	if (path != NULL && *path != '\0') {
		text = print_text(request(knot, rkey, workflow, follow));
		e->socket = ask(path, text);
		free(text);
		return e;
	}
	e->child = fork();
	if (e->child == -1)
		err(EX_OSERR, "fork");
	if (e->child > 0)
		return e;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(EX_TEMPFAIL);
	detach();
	_exit(fetch_log(database, knot, rkey, workflow, mask, follow));
}

static bool
child_over(struct errand *e, bool wait)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(e->child, &status, wait ? 0 : WNOHANG)) == -1)
		if (errno != EINTR)
			err(EX_OSERR, "waitpid");
	if (pid == 0)
		return false;
	e->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return true;
}

/* The answer is a byte; without it the other end was killed. */
static bool
answered(struct errand *e, bool wait)
{
	unsigned char status;
	ssize_t n;

	while ((n = recv(e->socket, &status, 1, wait ? 0 : MSG_DONTWAIT)) == -1)
		if (errno == EAGAIN)
			return false;
		else if (errno != EINTR)
			break;
	e->status = n == 1 ? status : -1;
	close(e->socket);
	return true;
}

bool
errand_over(struct errand *e, bool wait, int *status)
{
	if (!e->over)
		e->over =
		    e->child > 0 ? child_over(e, wait) : answered(e, wait);
	*status = e->over ? e->status : 0;
	return e->over;
}

/* A line from the socket, parsed; invalid if it is none. */
static jv
asked(void)
{
	static char text[ASKED];
	size_t length = 0;
	char *end = NULL;
	ssize_t n;

	while (length < sizeof(text) && end == NULL) {
		n = read(STDIN_FILENO, text + length, sizeof(text) - length);
		if (n <= 0)
			break;
		end = memchr(text + length, '\n', (size_t)n);
		length += (size_t)n;
	}
	if (end == NULL ||
	    check_json(text, (size_t)(end - text), NULL, 0) != -1)
		return jv_invalid();
	return json_parse(text, (size_t)(end - text));
}

int
errand_run(const char *database, struct mask *mask)
{
	jv v = asked(), ref = json_get(&v, "ref"), follow;
	const char *knot = json_str(&ref, "knot");
	const char *rkey = json_str(&ref, "pipeline_rkey");
	const char *workflow = json_str(&ref, "workflow");
	unsigned char status;
	char end;
	int fd;

	if (knot == NULL || rkey == NULL || workflow == NULL) {
		warnx("stdin: not what tack-logs asks");
		return 1;
	}
	follow = json_get(&v, "follow");
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd == -1)
		err(EX_OSERR, "stdin");
	detach();
	/* SIGIO ends us when the asker goes away. */
	if (fcntl(fd, F_SETOWN, getpid()) == -1 ||
	    fcntl(fd, F_SETFL, O_ASYNC) == -1)
		err(EX_OSERR, "stdin");
	if (recv(fd, &end, 1, MSG_DONTWAIT) == 0)
		return 0;
	status = (unsigned char)fetch_log(database, knot, rkey, workflow, mask,
	    jv_get_kind(follow) == JV_KIND_TRUE);
	if (send(fd, &status, 1, MSG_NOSIGNAL) == -1)
		warn("stdin");
	return status;
}
