/* SPDX-License-Identifier: ISC */
/* tack-status: publish what builds have come to, each change once. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "flow/filter.h"
#include "flow/hold.h"
#include "flow/status.h"
#include "store/db.h"

static void
usage(void)
{
	fprintf(stderr, "usage: tack-status [-k] [-d database]\n");
	exit(EX_USAGE);
}

int
main(int argc, char *argv[])
{
	const char *path = NULL;
	bool keep = false;
	struct status *s;
	struct db *db;
	int ch, status;

	while ((ch = getopt(argc, argv, "d:k")) != -1)
		switch (ch) {
		case 'd':
			path = optarg;
			break;
		case 'k':
			keep = true;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	path = db_path(path);
	if (keep) {
		const char *const filter[] = { "tack-status", "-d", path,
			NULL };

		return hold_run(filter);
	}

	db = db_open(path, DB_WRITE_FULL);
	s = status_open(db);
	sandbox_database(path);
	sandbox(SANDBOX_NO_EXEC | SANDBOX_NO_NET);

	status = filter_batch(status_record, status_begin, status_commit, s);
	db_close(db);
	status_close(s);
	return status;
}
