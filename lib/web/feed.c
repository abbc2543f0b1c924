/* SPDX-License-Identifier: ISC */
/* The lines of one program, as frames for all who have caught up with it. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "web/feed.h"
#include "web/ws.h"

#define KEPT (256 * 1024) /* bytes of frames, at least */
#define WORDS 16 /* of a program with its options */

/* Milliseconds. */
#define START_TIME 5000 /* a program that ends by then did not start well */
#define CLOSE_TIME 5000 /* from a program's last word to its end */
#define LINGER_TIME 60000 /* for who comes again soon */
#define PATIENCE 30000 /* with slow ones, in all */

#define STARTS 3 /* in a row that did not go well */

struct mark {
	int64_t position;
	size_t end; /* of its frame in frames */
};

struct feed {
	struct feed *next;
	struct feed_source source;
	size_t holders;
	int64_t left; /* when the last of them went */
	struct reader reader;
	bool running;
	bool announced; /* there is something to tell */
	enum reader_end ended;
	int status; /* of the program that ended */
	int64_t start, closed; /* of the program, of its output */
	bool said; /* a new line since then */
	unsigned failures;
	int64_t floor; /* the newest position that is not kept */
	int64_t newest;
	struct bytes frames;
	struct mark *marks;
	size_t count, size;
	bool minded;
	int64_t fastest, slowest;
	int64_t held, looked; /* how long for slow ones, until when */
};

struct feed_set {
	struct feed *first;
};

struct feed_set *
feed_set_new(void)
{
	return xcalloc(1, sizeof(struct feed_set));
}

static bool
same(const char *const *a, const char *const *b)
{
	while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) {
		a++;
		b++;
	}
	return *a == *b;
}

static const char *const *
copy(const char *const *argv)
{
	size_t n = 0;
	char **words;

	while (argv[n] != NULL)
		n++;
	words = xcalloc(n + 1, sizeof(*words));
	for (size_t i = 0; i < n; i++)
		words[i] = xstrdup(argv[i]);
	return (const char *const *)words;
}

static void
feed_free(struct feed *f)
{
	reader_stop(&f->reader);
	for (size_t i = 0; f->source.argv[i] != NULL; i++)
		free((char *)f->source.argv[i]);
	free((const char **)f->source.argv);
	bytes_free(&f->frames);
	free(f->marks);
	free(f);
}

void
feed_set_free(struct feed_set *all)
{
	struct feed *f;

	while ((f = all->first) != NULL) {
		all->first = f->next;
		feed_free(f);
	}
	free(all);
}

struct feed *
feed_set_find(struct feed_set *all, const struct feed_source *source)
{
	struct feed *f;

	for (f = all->first; f != NULL; f = f->next)
		if (f->ended == READER_GOES_ON &&
		    same(f->source.argv, source->argv))
			return f;
	f = xcalloc(1, sizeof(*f));
	f->source = *source;
	f->source.argv = copy(source->argv);
	f->reader = READER_NONE;
	f->next = all->first;
	all->first = f;
	return f;
}

void
feed_take(struct feed *f)
{
	f->holders++;
}

void
feed_leave(struct feed *f)
{
	if (--f->holders == 0)
		f->left = clock_ticks();
}

const struct feed_source *
feed_source(const struct feed *f)
{
	return &f->source;
}

static bool
start(const struct feed *f, struct reader *reader, int64_t after, bool goes_on)
{
	const char *argv[WORDS + 1], *const *word = f->source.argv;
	char position[24];
	size_t n = 0;

	while (*word != NULL && n < WORDS - 3)
		argv[n++] = *word++;
	if (f->source.position != NULL && goes_on)
		argv[n++] = "-f";
	if (f->source.position != NULL && after != FEED_START) {
		snprintf(position, sizeof(position), "%lld", (long long)after);
		argv[n++] = "-c";
		argv[n++] = position;
	}
	argv[n] = NULL;
	return reader_start(reader, argv);
}

bool
feed_catch_up(const struct feed *f, struct reader *reader, int64_t position)
{
	return start(f, reader, position, false);
}

/* Start the program after the newest line. */
static void
run(struct feed *f)
{
	reader_stop(&f->reader);
	f->running = start(f, &f->reader, f->newest, true);
	f->start = clock_ticks();
	f->closed = 0;
	f->said = false;
	f->status = -1;
	if (!f->running)
		f->ended = READER_BADLY;
}

bool
feed_runs(const struct feed *f)
{
	return f->running && f->ended == READER_GOES_ON;
}

bool
feed_serves(const struct feed *f, int64_t position)
{
	return feed_runs(f) && position >= f->floor;
}

void
feed_begin(struct feed *f, int64_t position)
{
	if (f->ended != READER_GOES_ON ||
	    (f->running && (f->count > 0 || position >= f->floor)))
		return;
	f->floor = f->newest = position;
	run(f);
}

bool
feed_announced(const struct feed *f)
{
	return f->announced;
}

/* The first of the marks whose position is greater. */
static size_t
first_after(const struct feed *f, int64_t position)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->marks[middle].position > position)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Where in frames those of the lines after a position begin. */
static size_t
offset_after(const struct feed *f, int64_t position)
{
	size_t n = first_after(f, position);

	return n == 0 ? 0 : f->marks[n - 1].end;
}

const char *
feed_after(const struct feed *f, int64_t position, size_t *length)
{
	size_t offset = offset_after(f, position);

	*length = f->frames.length - offset;
	if (position < f->floor)
		return NULL;
	return f->frames.text == NULL ? "" : f->frames.text + offset;
}

int64_t
feed_position(const struct feed *f, const char *end)
{
	size_t offset = (size_t)(end - f->frames.text);
	size_t low = 0, high = f->count - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->marks[middle].end >= offset)
			high = middle;
		else
			low = middle + 1;
	}
	return f->marks[low].position;
}

bool
feed_has_news(const struct feed *f, int64_t position)
{
	return f->newest > position || f->ended != READER_GOES_ON;
}

enum reader_end
feed_ended(const struct feed *f)
{
	return f->ended;
}

int
feed_status(const struct feed *f)
{
	return f->status;
}

void
feed_mind(struct feed *f, int64_t position)
{
	if (!f->minded || position > f->fastest)
		f->fastest = position;
	if (!f->minded || position < f->slowest)
		f->slowest = position;
	f->minded = true;
}

/* Whose pace counts. */
static int64_t
pace(const struct feed *f)
{
	if (!f->minded)
		return f->newest;
	return f->source.position == NULL && f->held < PATIENCE ? f->slowest :
								  f->fastest;
}

static bool
too_far(const struct feed *f, int64_t position)
{
	return f->frames.length - offset_after(f, position) > KEPT;
}

/* Forget the oldest lines, but for those that who is minded has yet to get. */
static void
forget(struct feed *f)
{
	size_t most = offset_after(f, pace(f)), n = 0, end;

	if (f->frames.length <= 2 * KEPT)
		return;
	if (most > f->frames.length - KEPT)
		most = f->frames.length - KEPT;
	while (n < f->count && f->marks[n].end <= most)
		n++;
	if (n == 0)
		return;
	f->floor = f->marks[n - 1].position;
	end = f->marks[n - 1].end;
	bytes_drop(&f->frames, end);
	f->count -= n;
	memmove(f->marks, f->marks + n, f->count * sizeof(*f->marks));
	for (size_t i = 0; i < f->count; i++)
		f->marks[i].end -= end;
}

static void
keep(struct feed *f, const char *line, size_t length)
{
	int64_t position = f->source.position == NULL ?
	    f->newest + 1 :
	    f->source.position(line, length);
	char head[WS_HEAD];

	if (position <= f->newest)
		return;
	f->newest = position;
	f->said = true;
	if (f->count == f->size) {
		f->size = 2 * f->size + 64;
		f->marks = xreallocarray(f->marks, f->size, sizeof(*f->marks));
	}
	bytes_add(&f->frames, head, ws_head(head, length));
	bytes_add(&f->frames, line, length);
	f->marks[f->count].position = position;
	f->marks[f->count++].end = f->frames.length;
}

/* The program is no more: start it again, or be over. */
static void
end(struct feed *f, enum reader_end how)
{
	bool well = f->said || clock_ticks() - f->start > START_TIME;

	f->status = reader_status(&f->reader);
	reader_stop(&f->reader);
	f->failures = well ? 0 : f->failures + 1;
	if (f->source.complete != NULL || f->failures >= STARTS) {
		f->ended = how;
		return;
	}
	warnx("%s ended: started again", f->source.argv[0]);
	run(f);
}

/* See how the program, which has said all, ended. */
static void
see_end(struct feed *f)
{
	enum reader_end how = reader_ended(&f->reader);

	if (how != READER_GOES_ON)
		end(f, f->source.complete == NULL ? READER_BADLY : how);
	else if (f->closed == 0)
		f->closed = clock_ticks();
	else if (f->closed + CLOSE_TIME <= clock_ticks())
		end(f, READER_BADLY);
}

static void
read_lines(struct feed *f)
{
	size_t offset = 0, length;
	const char *line;

	reader_read(&f->reader);
	while (
	    (line = bytes_line(&f->reader.bytes, &offset, &length)) != NULL) {
		if (!f->announced && f->source.complete != NULL)
			f->announced = true;
		else
			keep(f, line, length);
	}
	bytes_drop(&f->reader.bytes, offset);
	forget(f);
}

/* Is it of use to nobody, now or soon? */
static bool
is_done(const struct feed *f)
{
	bool lingers = f->running && f->ended == READER_GOES_ON &&
	    f->source.complete == NULL && f->left + LINGER_TIME > clock_ticks();

	return f->holders == 0 && !lingers;
}

static bool
holds_for_slow(const struct feed *f)
{
	return f->minded && f->source.position == NULL && f->held < PATIENCE &&
	    too_far(f, f->slowest) && !too_far(f, f->fastest);
}

size_t
feed_set_poll(struct feed_set *all, struct pollfd *fds, size_t most)
{
	size_t n = 0;

	for (struct feed *f = all->first; f != NULL && n < most; f = f->next) {
		f->looked = clock_ticks();
		fds[n++] =
		    (struct pollfd){ too_far(f, pace(f)) ? -1 : f->reader.fd,
			    POLLIN, 0 };
	}
	return n;
}

int64_t
feed_set_deadline(const struct feed_set *all)
{
	int64_t first = INT64_MAX, at;

	for (const struct feed *f = all->first; f != NULL; f = f->next) {
		at = INT64_MAX;
		if (is_done(f))
			at = 0;
		else if (f->holders == 0)
			at = f->left + LINGER_TIME;
		else if (f->closed != 0 && f->ended == READER_GOES_ON)
			at = f->closed + CLOSE_TIME;
		else if (holds_for_slow(f))
			at = f->looked + PATIENCE - f->held;
		if (at < first)
			first = at;
	}
	return first;
}

void
feed_set_run(struct feed_set *all, const struct pollfd *fds, size_t count)
{
	struct feed **link = &all->first, *f;
	size_t n = 0;

	while ((f = *link) != NULL) {
		if (holds_for_slow(f))
			f->held += clock_ticks() - f->looked;
		if (n < count && fds[n].fd == f->reader.fd &&
		    fds[n].revents != 0)
			read_lines(f);
		n++;
		if (f->running && f->ended == READER_GOES_ON &&
		    f->reader.fd == -1)
			see_end(f);
		f->minded = false;
		if (is_done(f)) {
			*link = f->next;
			feed_free(f);
		} else
			link = &f->next;
	}
}

void
feed_set_exited(struct feed_set *all, pid_t pid, int status)
{
	for (struct feed *f = all->first; f != NULL; f = f->next)
		if (reader_exited(&f->reader, pid, status)) {
			if (f->reader.fd == -1)
				see_end(f);
			return;
		}
}
