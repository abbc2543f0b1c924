/* SPDX-License-Identifier: ISC */
/* Time two commands, turn and turn about: A B B A. */
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#define FILES 4

extern char **environ;

static struct {
	char *name;
	const char *path; /* %d is the number of the run */
} files[FILES];
static size_t nfiles;

static void
usage(void)
{
	fputs("usage: pair [-e NAME=file] [-n times] a [word ...]"
	      " -- b [word ...]\n",
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

/* Put the run's number, and what its files hold, into the environment. */
static void
prepare(long run)
{
	static char text[1 << 16];
	char number[24], path[1024];
	const char *at;
	size_t n;
	FILE *f;

	snprintf(number, sizeof(number), "%ld", run);
	setenv("N", number, 1);
	for (size_t i = 0; i < nfiles; i++) {
		at = strstr(files[i].path, "%d");
		snprintf(path, sizeof(path), "%.*s%s%s",
		    at == NULL ? 0 : (int)(at - files[i].path), files[i].path,
		    at == NULL ? "" : number,
		    at == NULL ? files[i].path : at + 2);
		if ((f = fopen(path, "r")) == NULL)
			err(EX_NOINPUT, "%s", path);
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
		text[n] = '\0';
		setenv(files[i].name, text, 1);
	}
}

static double
milliseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

/* How long a command takes; *cpu grows by what its processes used. */
static double
run(char *argv[], double *cpu)
{
	posix_spawn_file_actions_t null;
	struct rusage used;
	double start;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&null);
	posix_spawn_file_actions_addopen(&null, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&null, 1, "/dev/null", O_WRONLY, 0);
	start = seconds();
	if (posix_spawnp(&pid, argv[0], &null, NULL, argv, environ) != 0)
		errx(EX_UNAVAILABLE, "%s: cannot run", argv[0]);
	if (wait4(pid, &status, 0, &used) == -1)
		err(EX_OSERR, "wait");
	start = seconds() - start;
	posix_spawn_file_actions_destroy(&null);
	if (status != 0)
		errx(EX_SOFTWARE, "%s: status %d", argv[0], status);
	*cpu += milliseconds(used.ru_utime) + milliseconds(used.ru_stime);
	return start * 1e3;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *times, size_t n)
{
	qsort(times, n, sizeof(*times), ascending);
	return (times[n / 2] + times[(n - 1) / 2]) / 2;
}

int
main(int argc, char *argv[])
{
	long times = 100, number = 0;
	char **a, **b = NULL;
	const char *problem;
	double *took[2], cpu[2] = { 0, 0 };
	int ch;

	while ((ch = getopt(argc, argv, "+e:n:")) != -1)
		switch (ch) {
		case 'e':
			if (nfiles == FILES || strchr(optarg, '=') == NULL)
				usage();
			files[nfiles].name = optarg;
			files[nfiles].path = strchr(optarg, '=') + 1;
			*strchr(optarg, '=') = '\0';
			nfiles++;
			break;
		case 'n':
			times = (long)strtonum(optarg, 1, 100000, &problem);
			if (problem != NULL)
				errx(EX_USAGE, "%s: %s", optarg, problem);
			break;
		default:
			usage();
		}
	a = argv + optind;
	for (char **word = a; *word != NULL; word++)
		if (strcmp(*word, "--") == 0) {
			*word = NULL;
			b = word + 1;
			break;
		}
	if (*a == NULL || b == NULL || *b == NULL)
		usage();
	for (int i = 0; i < 2; i++)
		if ((took[i] = calloc((size_t)times, sizeof(double))) == NULL)
			err(EX_OSERR, NULL);
	for (long i = 0; i < times; i++)
		for (int j = 0; j < 2; j++) {
			/* a b, b a, a b, ... */
			int which = (i % 2 == 0) == (j == 0) ? 0 : 1;

			prepare(++number);
			took[which][i] = run(which == 0 ? a : b, &cpu[which]);
		}
	printf("a=%.3f b=%.3f a_cpu=%.3f b_cpu=%.3f\n",
	    median(took[0], (size_t)times), median(took[1], (size_t)times),
	    cpu[0] / (double)times, cpu[1] / (double)times);
	return 0;
}
