/* SPDX-License-Identifier: ISC */
/* Many writers, one database: how long does the unluckiest commit take? */
#include <sys/mman.h>
#include <sys/wait.h>

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <sqlite3.h>

#include "store/db.h"

#define SQL "INSERT INTO bench (text) VALUES (:text)"
#define ROW_SIZE 500
#define MOST 65536 /* commits of a writer */
#define TIMEOUT_MS 60000

struct writer {
	uint32_t commits, failed;
	uint32_t micros[MOST];
};

static const char *database, *means;
static char text[ROW_SIZE + 1];
static double end;

static void
usage(void)
{
	fputs("usage: commit [-d seconds] [-w writers] flock|busy|retry"
	      " database\n",
	    stderr);
	exit(EX_USAGE);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
note(struct writer *w, double start)
{
	if (w->commits < MOST)
		w->micros[w->commits++] = (uint32_t)((seconds() - start) * 1e6);
}

/* As the tools do it. */
static void
write_ours(struct writer *w)
{
	struct db *db = db_open(database, DB_WRITE_FULL);
	struct query *insert = db_query(db, "insert", SQL);

	while (seconds() < end) {
		double start = seconds();

		db_begin(db);
		db_bind(insert, ":text", text);
		db_step(insert);
		db_commit(db);
		note(w, start);
	}
	db_close(db);
}

static int
wait_a_little(void *arg, int times)
{
	(void)arg;
	usleep(1000);
	return times < TIMEOUT_MS;
}

static int
step(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* As SQLite does it, or with a handler that asks every millisecond. */
static void
write_theirs(struct writer *w)
{
	sqlite3_stmt *begin, *insert, *commit, *rollback;
	sqlite3 *db;

	if (sqlite3_open(database, &db) != SQLITE_OK)
		errx(EX_SOFTWARE, "%s", sqlite3_errmsg(db));
	if (strcmp(means, "busy") == 0)
		sqlite3_busy_timeout(db, TIMEOUT_MS);
	else
		sqlite3_busy_handler(db, wait_a_little, NULL);
	sqlite3_exec(db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	if (sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, NULL) ||
	    sqlite3_prepare_v2(db, SQL, -1, &insert, NULL) ||
	    sqlite3_prepare_v2(db, "COMMIT", -1, &commit, NULL) ||
	    sqlite3_prepare_v2(db, "ROLLBACK", -1, &rollback, NULL))
		errx(EX_SOFTWARE, "%s", sqlite3_errmsg(db));
	while (seconds() < end) {
		double start = seconds();

		sqlite3_bind_text(insert, 1, text, -1, SQLITE_STATIC);
		if (step(begin) == 0 && step(insert) == 0 && step(commit) == 0)
			note(w, start);
		else {
			w->failed++;
			step(rollback);
		}
	}
	for (sqlite3_stmt *s; (s = sqlite3_next_stmt(db, NULL)) != NULL;)
		sqlite3_finalize(s);
	sqlite3_close(db);
}

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
report(const struct writer *writers, long count, double took)
{
	uint32_t *all = calloc((size_t)count * MOST, sizeof(*all));
	uint32_t least = UINT32_MAX, most = 0, failed = 0;
	size_t n = 0;

	if (all == NULL)
		err(EX_OSERR, NULL);
	for (long i = 0; i < count; i++) {
		const struct writer *w = &writers[i];

		memcpy(all + n, w->micros, w->commits * sizeof(*all));
		n += w->commits;
		failed += w->failed;
		least = w->commits < least ? w->commits : least;
		most = w->commits > most ? w->commits : most;
	}
	if (n == 0)
		errx(EX_SOFTWARE, "nobody committed");
	qsort(all, n, sizeof(*all), ascending);
	printf("rate=%.0f p50=%.3f p99=%.3f max=%.3f share=%.3f failed=%u\n",
	    (double)n / took, all[n / 2] / 1e3,
	    all[(size_t)((double)(n - 1) * 0.99)] / 1e3, all[n - 1] / 1e3,
	    (double)least / most, failed);
	if (failed > 0)
		exit(1);
}

static long
number(const char *word, long max)
{
	const char *problem;
	long n = (long)strtonum(word, 1, max, &problem);

	if (problem != NULL)
		errx(EX_USAGE, "%s: %s", word, problem);
	return n;
}

int
main(int argc, char *argv[])
{
	long limit = 3, count = 32;
	struct writer *writers;
	int ch, status;
	double start;

	while ((ch = getopt(argc, argv, "d:w:")) != -1)
		switch (ch) {
		case 'd':
			limit = number(optarg, 600);
			break;
		case 'w':
			count = number(optarg, 256);
			break;
		default:
			usage();
		}
	if (optind + 2 != argc)
		usage();
	means = argv[optind];
	database = argv[optind + 1];
	if (strcmp(means, "flock") != 0 && strcmp(means, "busy") != 0 &&
	    strcmp(means, "retry") != 0)
		usage();
	memset(text, 'x', ROW_SIZE);
	writers = mmap(NULL, (size_t)count * sizeof(*writers),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (writers == MAP_FAILED)
		err(EX_OSERR, NULL);
	start = seconds();
	end = start + (double)limit;
	for (long i = 0; i < count; i++)
		switch (fork()) {
		case -1:
			err(EX_OSERR, "fork");
		case 0:
			if (strcmp(means, "flock") == 0)
				write_ours(&writers[i]);
			else
				write_theirs(&writers[i]);
			_exit(0);
		}
	for (long i = 0; i < count; i++)
		if (wait(&status) == -1 || status != 0)
			errx(EX_SOFTWARE, "a writer failed");
	report(writers, count, seconds() - start);
	return 0;
}
