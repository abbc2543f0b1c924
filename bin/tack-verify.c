/* SPDX-License-Identifier: ISC */
/* tack-verify - say of each webhook whether it is genuine */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "filter.h"
#include "sandbox.h"
#include "verify.h"

static void
usage(void)
{
	fputs("usage: tack-verify [-t seconds]\n", stderr);
	exit(EX_USAGE);
}

int
main(int argc, char *argv[])
{
	const char *tolerance = getenv("TACK_WEBHOOK_TOLERANCE"), *problem;
	int status = EX_CONFIG, ch;
	int64_t seconds = -1;
	struct verify *v;

	while ((ch = getopt(argc, argv, "t:")) != -1)
		switch (ch) {
		case 't':
			tolerance = optarg;
			status = EX_USAGE;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	if (tolerance != NULL) {
		seconds = strtonum(tolerance, 0, INT32_MAX, &problem);
		if (problem != NULL)
			errx(status, "%s: %s is %s",
			    status == EX_USAGE ? "-t" :
						 "TACK_WEBHOOK_TOLERANCE",
			    tolerance, problem);
	}

	v = verify_new(seconds);
	sandbox(NO_EXEC | NO_NET);
	return filter(verify_record, v);
}
