/* SPDX-License-Identifier: ISC */
/*
 * Ask a CI for tests: the provider, the verb, and on standard input what
 * call() is given, a line each.  Answers each with a line; "log" with start,
 * total and the bytes.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ci/call.h"
#include "data/json.h"
#include "data/print.h"

static void
tell(jv said)
{
	char *text = print_text(said);

	puts(text);
	free(text);
}

static void
tell_log(struct call *c, jv input)
{
	struct call_piece piece;
	jv said = call_log(c, input, &piece);

	if (piece.start == -1) {
		tell(said);
		return;
	}
	jv_free(said);
	printf("%" PRId64 " %" PRId64 " %.*s\n", piece.start, piece.total,
	    (int)piece.length, piece.bytes);
	free(piece.bytes);
}

int
main(int argc, char *argv[])
{
	struct provider *p;
	struct call *c;
	struct db *db;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	if (argc != 3)
		errx(64, "usage: ask provider verb");
	db = db_open(db_path(NULL), DB_WRITE);
	if ((p = provider_load(argv[1])) == NULL ||
	    (c = call_open(argv[1], p, db)) == NULL)
		errx(1, "no provider %s to call", argv[1]);
	while ((length = getline(&line, &size, stdin)) > 0) {
		jv input = json_parse(line, (size_t)length);

		if (strcmp(argv[2], "log") == 0)
			tell_log(c, input);
		else
			tell(call_ask(c, argv[2], input, BUDGET_URGENT));
	}
	free(line);
	call_close(c);
	provider_free(p);
	db_close(db);
	return 0;
}
