/* SPDX-License-Identifier: ISC */
/* tack-verify - say of each webhook whether it is genuine */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/secret.h"
#include "base/setting.h"
#include "data/check.h"
#include "data/json.h"
#include "flow/filter.h"
#include "flow/verify.h"

static void
usage(void)
{
	fputs("usage: tack-verify [-t seconds]\n"
	      "       tack-verify -s name\n",
	    stderr);
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

/* Say how many secrets of a name there are, and where they are from. */
static int
tell(const char *name)
{
	struct secret_list list = secret_read(name);

	if (list.count > 0)
		printf("%zu %s %s\n", list.count,
		    list.open ? "variable" : "file", list.place);
	return list.count > 0 ? 0 : 1;
}

int
main(int argc, char *argv[])
{
	const char *secret = NULL;
	int64_t tolerance = -1;
	int ch;
	struct verify *v;

	while ((ch = getopt(argc, argv, "s:t:")) != -1)
		switch (ch) {
		case 's':
			secret = optarg;
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
	if (secret != NULL)
		return tell(secret);
	v = verify_new(tolerance);
	sandbox(SANDBOX_NO_EXEC | SANDBOX_NO_NET);
	return filter_requests(verify, NULL, NULL, v);
}
