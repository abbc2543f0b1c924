/* SPDX-License-Identifier: ISC */
/* Check and parse a JSON text over and over: megabytes a second. */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <jv.h>

#include "data/check.h"
#include "data/json.h"

#define LARGEST (1 << 24)
#define TURN 0.1 /* seconds */

static char text[LARGEST + 1];
static size_t length;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
check(void)
{
	if (check_json(text, length, NULL, 0) != -1)
		errx(EX_DATAERR, "not JSON");
}

/* libjq alone, as jq itself calls it. */
static void
parse(void)
{
	struct jv_parser *p = jv_parser_new(0);
	jv v;

	jv_parser_set_buf(p, text, (int)length, 0);
	v = jv_parser_next(p);
	if (!jv_is_valid(v))
		errx(EX_DATAERR, "not JSON");
	jv_free(v);
	jv_parser_free(p);
}

/* As the tools do with what a stranger sent. */
static void
both(void)
{
	jv v;

	check();
	v = json_parse(text, length);
	if (!jv_is_valid(v))
		errx(EX_DATAERR, "not JSON");
	jv_free(v);
}

static double
speed(void (*work)(void))
{
	double start = seconds(), took;
	size_t n = 0;

	do {
		work();
		n++;
	} while ((took = seconds() - start) < TURN);
	return (double)n * (double)length / took / 1e6;
}

int
main(int argc, char *argv[])
{
	static void (*const turns[])(
	    void) = { check, parse, both, both, parse, check };
	double sum[6];
	FILE *f;

	if (argc != 2) {
		fputs("usage: json file\n", stderr);
		return EX_USAGE;
	}
	if ((f = fopen(argv[1], "r")) == NULL)
		err(EX_NOINPUT, "%s", argv[1]);
	length = fread(text, 1, LARGEST, f);
	fclose(f);
	for (size_t i = 0; i < 6; i++)
		sum[i] = speed(turns[i]);
	printf("check=%.1f jv=%.1f both=%.1f\n", (sum[0] + sum[5]) / 2,
	    (sum[1] + sum[4]) / 2, (sum[2] + sum[3]) / 2);
	return 0;
}
