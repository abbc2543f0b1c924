/* SPDX-License-Identifier: ISC */
/* tack-webhook: tack-verify, tack-resolve and tack-status in one process. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/setting.h"
#include "base/share.h"
#include "data/record.h"
#include "flow/filter.h"
#include "flow/resolve.h"
#include "flow/status.h"
#include "flow/verify.h"
#include "store/db.h"

struct webhook {
	struct verify *verify;
	struct resolve *resolve;
	struct status *status;
	bool writing; /* the batch has begun its transaction */
};

static void
usage(void)
{
	fputs("usage: tack-webhook [-d database] [-t seconds]\n", stderr);
	exit(EX_USAGE);
}

/* The database is for genuine webhooks: no other makes it wait. */
static jv
webhook(jv rec, const struct check_span *body, void *arg)
{
	struct webhook *w = arg;
	char *payload;
	size_t length;

	rec = verify_request(w->verify, rec, body, &payload, &length);
	if (payload == NULL)
		return rec;
	if (!w->writing)
		status_begin(w->status);
	w->writing = true;
	rec = resolve_payload(w->resolve, rec, payload, length);
	free(payload);
	return record_outcome(&rec) == RECORD_OPEN ?
	    status_record(rec, w->status) :
	    rec;
}

static void
commit(void *arg)
{
	struct webhook *w = arg;

	if (w->writing)
		status_commit(w->status);
	w->writing = false;
}

int
main(int argc, char *argv[])
{
	const char *path = NULL;
	int64_t tolerance = -1;
	struct webhook w = { .writing = false };
	struct db *db;
	char *share;
	int ch, status;

	while ((ch = getopt(argc, argv, "d:t:")) != -1)
		switch (ch) {
		case 'd':
			path = optarg;
			break;
		case 't':
			tolerance =
			    setting_argument("-t", optarg, 0, INT32_MAX);
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	path = db_path(path);

	w.verify = verify_new(tolerance);
	db = db_open(path, DB_WRITE_FULL);
	w.resolve = resolve_open(db);
	w.status = status_open(db);
	share = share_path("providers");
	sandbox_path(share, "r");
	free(share);
	sandbox_database(path);
	sandbox(SANDBOX_NO_EXEC | SANDBOX_NO_NET);

	status = filter_requests(webhook, NULL, commit, &w);
	db_close(db);
	resolve_close(w.resolve);
	status_close(w.status);
	return status;
}
