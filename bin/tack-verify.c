/* SPDX-License-Identifier: ISC */
/* tack-verify - say of each webhook whether it is genuine */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/setting.h"
#include "data/check.h"
#include "data/json.h"
#include "flow/filter.h"
#include "flow/verify.h"

static void
usage(void)
{
	fputs("usage: tack-verify [-t seconds]\n", stderr);
	exit(EX_USAGE);
}

static jv
verify(jv rec, const struct check_span *body, void *arg)
{
	char *payload;
	size_t length;

	rec = verify_request(arg, rec, body, &payload, &length);
	if (payload != NULL)
		rec = json_set(
		    rec, "payload", jv_string_sized(payload, (int)length));
	free(payload);
	return rec;
}

int
main(int argc, char *argv[])
{
	int64_t tolerance = -1;
	int ch;
	struct verify *v;

	while ((ch = getopt(argc, argv, "t:")) != -1)
		switch (ch) {
		case 't':
			tolerance =
			    setting_argument("-t", optarg, 0, INT32_MAX);
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	v = verify_new(tolerance);
	sandbox(SANDBOX_NO_EXEC | SANDBOX_NO_NET);
	return filter_requests(verify, NULL, NULL, v);
}
