/* SPDX-License-Identifier: ISC */
/* A program whose standard output is read, line by line. */
#include <sys/wait.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "web/reader.h"

#define LINE_MAX_SIZE (1024 * 1024)

bool
reader_start(struct reader *r, const char *const argv[])
{
	*r = READER_NONE;
	r->pid = child_start(argv, NULL, &r->fd);
	if (r->pid != -1)
		return true;
	*r = READER_NONE;
	return false;
}

/* The child is reaped with all others, so that nobody waits for its death. */
void
reader_stop(struct reader *r)
{
	if (r->fd != -1)
		close(r->fd);
	if (r->pid > 0)
		kill(r->pid, SIGKILL);
	bytes_free(&r->bytes);
	*r = READER_NONE;
}

static void
said_all(struct reader *r)
{
	close(r->fd);
	r->fd = -1;
}

void
reader_read(struct reader *r)
{
	if (r->fd == -1)
		return;
	if (bytes_read(&r->bytes, r->fd) == 0)
		said_all(r);
	else if (r->bytes.length > LINE_MAX_SIZE && reader_lines(r) == 0) {
		said_all(r);
		r->status = -1;
	}
}

size_t
reader_lines(const struct reader *r)
{
	const char *lf = r->bytes.length == 0 ?
	    NULL :
	    memrchr(r->bytes.text, '\n', r->bytes.length);

	return lf == NULL ? 0 : (size_t)(lf + 1 - r->bytes.text);
}

bool
reader_exited(struct reader *r, pid_t pid, int status)
{
	if (r->pid != pid || pid == 0)
		return false;
	r->pid = 0;
	if (r->status == 0)
		r->status = status;
	return true;
}

int
reader_status(const struct reader *r)
{
	bool exited = r->pid == 0 && r->status != -1 && WIFEXITED(r->status);

	return exited ? WEXITSTATUS(r->status) : -1;
}

enum reader_end
reader_ended(const struct reader *r)
{
	if (r->fd != -1 || (r->pid != 0 && r->status == 0))
		return READER_GOES_ON;
	return r->status == 0 ? READER_WELL : READER_BADLY;
}
