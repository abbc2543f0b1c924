/* SPDX-License-Identifier: ISC */
/* tack-events: write the event log from a cursor, and follow it. */
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "data/print.h"
#include "store/db.h"

/* The bell may be lost when its ringer is killed; then we look this often. */
#define LOOK_MS 1000

static void
usage(void)
{
	fprintf(stderr, "usage: tack-events [-f] [-c cursor] [-d database]\n");
	exit(EX_USAGE);
}

/* As both generations take it: what is not a number is the beginning. */
static int64_t
cursor(const char *text)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	return *end == '\0' ? n : 0;
}

/*
 * Write the page after the cursor; returns whether there was one.  A slow
 * reader must not hold a snapshot, so the page is read before it is written.
 */
static bool
page(struct db *db, struct query *next, int64_t *after)
{
	struct bytes out = { NULL, 0, 0 };

	db_bind_int(next, ":cursor", *after);
	while (db_step(next)) {
		const char *event = db_text(next, 3);

		*after = db_int(next, 0);
		print_open(&out, '{');
		print_name(&out, "created");
		print_int(&out, *after);
		print_name(&out, "event");
		print_safe(&out, event, strlen(event));
		print_member(&out, "nsid", db_text(next, 2));
		print_member(&out, "rkey", db_text(next, 1));
		print_close(&out, '}');
		bytes_add(&out, "\n", 1);
	}
	if (out.length == 0)
		return false;
	db_settle(db);
	if (fwrite(out.text, 1, out.length, stdout) != out.length ||
	    fflush(stdout) == EOF)
		err(EX_IOERR, "stdout");
	bytes_free(&out);
	return true;
}

int
main(int argc, char *argv[])
{
	const char *path = NULL;
	int64_t after = 0;
	int ch, follow = 0;
	struct query *next;
	struct db *db;

	while ((ch = getopt(argc, argv, "c:d:f")) != -1)
		switch (ch) {
		case 'c':
			after = cursor(optarg);
			break;
		case 'd':
			path = optarg;
			break;
		case 'f':
			follow = 1;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	path = db_path(path);

	db = db_open(path, DB_READ);
	next = db_query(db, "read events",
	    "SELECT created, rkey, nsid, event FROM event"
	    " WHERE created > :cursor"
	    " ORDER BY created LIMIT 500");
	if (follow)
		db_listen(db);
	sandbox_database(path);
	sandbox(SANDBOX_NO_EXEC | SANDBOX_NO_NET);

	for (;;) {
		while (page(db, next, &after))
			continue;
		if (!follow)
			break;
		db_wait(db, LOOK_MS);
	}
	db_close(db);
	return 0;
}
