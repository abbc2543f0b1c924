/* SPDX-License-Identifier: ISC */
/* The secrets of a text: what is a line of it, and what is refused. */
#include <sys/wait.h>

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/secret.h"
#include "tap.h"

/* The secrets of a text, each followed by a bar. */
static char *
lines(const char *text)
{
	static char all[256];
	struct secret_list list = secret_parse(strdup(text), "test");

	*all = '\0';
	for (size_t i = 0; i < list.count; i++) {
		strcat(all, list.line[i]);
		strcat(all, "|");
	}
	secret_free(&list);
	return all;
}

/* Does a text end the program with EX_CONFIG? */
static bool
refused(const char *text)
{
	int status;
	pid_t pid = fork();

	if (pid == -1)
		err(1, "fork");
	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		lines(text);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == EX_CONFIG;
}

int
main(void)
{
	static const struct {
		const char *text, *lines, *fact;
	} good[] = {
		{ "s3cret", "s3cret|", "a text without a line end" },
		{ "s3cret\n", "s3cret|", "a line" },
		{ "s3cret\r\n", "s3cret|", "CR LF ends a line" },
		{ "s3cret\r", "s3cret|", "so does CR at the very end" },
		{ "old\r\ns3cret\r\n", "old|s3cret|", "two lines with CR LF" },
		{ "old\n\n \t\n\r\ns3cret\n\n", "old|s3cret|",
		    "empty lines and lines of blanks are none" },
		{ "\357\273\277s3cret\n", "s3cret|", "a byte order mark" },
		{ "\357\273\277\r\ns3cret", "s3cret|",
		    "a byte order mark on a line of its own" },
		{ " s3cret\t\n\told \r\n", "s3cret|old|",
		    "blanks at the edges" },
		{ "s3 cret", "s3 cret|", "a blank inside is of the secret" },
		{ "s3#cret", "s3#cret|", "so is # inside" },
		{ "ab", "ab|", "two bytes are a secret" },
		{ "\303\244\303\266", "\303\244\303\266|",
		    "bytes beyond ASCII are of the secret" },
	};
	static const struct {
		const char *text, *fact;
	} none[] = {
		{ "", "nothing" },
		{ "\n\r\n \t\n", "blanks alone" },
		{ "\357\273\277\n", "a byte order mark alone" },
		{ "a\tb", "a TAB inside" },
		{ "s3cret\rX-Injected: yes", "a CR inside" },
		{ "s3cret\r\r\n", "two CR" },
		{ "s3\033[1mcret", "an ESC" },
		{ "s3cret\177", "a DEL" },
		{ "s3\003cret\nother\n", "a control character, another line" },
		{ "# the secret of May\ns3cret", "a comment" },
		{ "s3cret\n  # old", "a comment with blanks before it" },
		{ "x", "one byte" },
		{ "s3cret\n x \n", "one byte in blanks" },
	};
	char fact[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(strcmp(lines(good[i].text), good[i].lines) == 0,
		    good[i].fact);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		snprintf(fact, sizeof(fact), "%s: refused", none[i].fact);
		ok(refused(none[i].text), fact);
	}
	return done();
}
