/* SPDX-License-Identifier: ISC */
/* tack-resolve: tell whose build a delivery speaks of. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/share.h"
#include "flow/filter.h"
#include "flow/resolve.h"
#include "store/db.h"

static void
usage(void)
{
	fprintf(stderr, "usage: tack-resolve [-d database]\n");
	exit(EX_USAGE);
}

int
main(int argc, char *argv[])
{
	const char *path = NULL;
	struct resolve *r;
	struct db *db;
	char *share;
	int ch, status;

	while ((ch = getopt(argc, argv, "d:")) != -1)
		switch (ch) {
		case 'd':
			path = optarg;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	path = db_path(path);

	/* Not acknowledged here: tack-status' commit makes it durable too. */
	db = db_open(path, DB_WRITE);
	r = resolve_open(db);
	share = share_path("providers");
	sandbox_path(share, "r");
	free(share);
	sandbox_database(path);
	sandbox(SANDBOX_NO_EXEC | SANDBOX_NO_NET);

	status = filter(resolve_record, r);
	db_close(db);
	resolve_close(r);
	return status;
}
