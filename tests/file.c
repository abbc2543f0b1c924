/* SPDX-License-Identifier: ISC */
/* A file is read whole and replaced whole. */
#include <sys/resource.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tap.h"

/* Does the file have this content? */
static bool
has(int dir, const char *path, const char *content)
{
	size_t length;
	char *text = file_read(dir, path, 1000, &length);
	bool same = text != NULL && length == strlen(content) &&
	    strcmp(text, content) == 0;

	free(text);
	return same;
}

/* What goes through a pipe comes in pieces, and says nothing of its size. */
static char *
through_pipe(size_t pieces, size_t most, size_t *length)
{
	int ends[2];
	char *text;

	if (pipe(ends) == -1)
		err(1, "pipe");
	if (fork() == 0) {
		for (size_t i = 0; i < pieces; i++) {
			usleep(1000);
			if (write(ends[1], "0123456789", 10) != 10)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	text = file_bytes(ends[0], most, length);
	close(ends[0]);
	return text;
}

int
main(void)
{
	char path[] = "/tmp/tack.XXXXXX", big[5000], *text;
	struct rlimit limit = { 1000, RLIM_INFINITY };
	struct stat st;
	size_t length = 7;
	int dir;

	memset(big, 'x', sizeof(big));
	if (mkdtemp(path) == NULL ||
	    (dir = open(path, O_RDONLY | O_DIRECTORY)) == -1)
		err(1, "%s", path);
	mkdirat(dir, "sub", 0700);
	signal(SIGXFSZ, SIG_IGN);

	text = file_read(dir, "absent", 1000, &length);
	ok(text == NULL && errno == ENOENT, "a file that is absent is ENOENT");
	text = file_read(dir, "sub", 1000, &length);
	ok(text == NULL && errno == EISDIR, "a directory is EISDIR");

	ok(file_replace(dir, "sub/a", "one", 3, true) == 0 &&
		has(dir, "sub/a", "one"),
	    "a file is made where there was none");
	ok(fstatat(dir, "sub/a", &st, 0) == 0 && (st.st_mode & 07777) == 0600,
	    "for its owner alone");
	ok(file_replace(dir, "sub/a", "", 0, false) == 0 &&
		has(dir, "sub/a", ""),
	    "and replaced by nothing");
	text = file_read(dir, "sub/a", 0, &length);
	ok(text != NULL && length == 0 && *text == '\0',
	    "nothing may be as much as is wanted");
	free(text);

	file_replace(dir, "sub/a", "12345", 5, true);
	text = file_read(dir, "sub/a", 5, NULL);
	ok(text != NULL && strcmp(text, "12345") == 0,
	    "as many bytes as may be are read");
	free(text);
	text = file_read(dir, "sub/a", 4, &length);
	ok(text == NULL && errno == EFBIG, "one more is EFBIG");

	text = through_pipe(200, 2000, &length);
	ok(text != NULL && length == 2000 && strlen(text) == 2000,
	    "what comes in pieces is read to its end");
	free(text);
	text = through_pipe(20, 199, &length);
	ok(text == NULL && errno == EFBIG, "and no more than may be");

	if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
		err(1, "setrlimit");
	ok(file_replace(dir, "sub/a", big, sizeof(big), true) == -1 &&
		errno == EFBIG,
	    "what cannot be written is an error");
	ok(has(dir, "sub/a", "12345"), "the old content stays");
	ok(faccessat(dir, "sub/a.new", F_OK, 0) == -1,
	    "and nothing is left beside it");
	ok(file_replace(dir, "gone/a", "x", 1, true) == -1 && errno == ENOENT,
	    "no directory is an error");

	unlinkat(dir, "sub/a", 0);
	unlinkat(dir, "sub", AT_REMOVEDIR);
	rmdir(path);
	return done();
}
