/* SPDX-License-Identifier: ISC */
/* The lines of one program, as frames for all its subscribers. */
#ifndef WEB_FEED_H
#define WEB_FEED_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "web/reader.h"

#define FEED_START INT64_MIN /* the position before every line */

/*
 * The program of a feed.  If its lines have positions, which rise, the program
 * takes "-c position" to begin after that position, and "-f" to go on after the
 * last line there is.  If position is NULL the program begins with the first
 * line, and goes on by itself.
 */
struct feed_source {
	const char *const *argv;
	/* The position of a line, FEED_START if it has none. */
	int64_t (*position)(const char *line, size_t length);
	/*
	 * Why the stream is over when the program ends well; NULL if the
	 * program should not end.  A program that may end prints a first line,
	 * which is sent to nobody, when it knows that lines will follow.
	 */
	const char *complete;
};

/*
 * A feed keeps the last of its program's lines, 256 KiB at least, in frames.
 * The one rule: a subscriber that has got everything up to a position gets the
 * lines of a greater position, and no other.  So a subscriber is a position,
 * and costs neither a process nor a queue.  A subscriber that lacks lines which
 * the feed keeps no longer, because it is late or slow, must first catch up by
 * a reader of its own.
 */
struct feed;
struct feed_set;

/* Make the set of the feeds of a server, which is empty. */
struct feed_set *feed_set_new(void);

/* Free the set and its feeds, and end their programs. */
void feed_set_free(struct feed_set *feeds);

/*
 * Return the feed whose source has the argv of source; if there is none that
 * goes on, make one.  The next feed_set_run() frees a feed that nobody holds.
 */
struct feed *
feed_set_find(struct feed_set *feeds, const struct feed_source *source);

/* Hold a feed, so that no feed_set_run() frees it. */
void feed_take(struct feed *feed);

/* Undo a feed_take(). */
void feed_leave(struct feed *feed);

/* Return a feed's source; its texts are the feed's own. */
const struct feed_source *feed_source(const struct feed *feed);

/* Was the program of a feed started, and has it not ended? */
bool feed_runs(const struct feed *feed);

/* Does a feed that runs have all lines after a position? */
bool feed_serves(const struct feed *feed, int64_t position);

/*
 * Start the program for a subscriber that has all lines up to now, the last of
 * them at a position.  A program that runs is started anew if it was begun
 * after a greater position and has printed nothing: a subscriber may ask for
 * lines after a position that is yet to come.
 */
void feed_begin(struct feed *feed, int64_t position);

/*
 * Start a reader for one subscriber, after a position.  If lines have
 * positions, its program ends after the last line there is; else it begins with
 * the first line and goes on.  Warns and returns false if it cannot be started.
 */
bool
feed_catch_up(const struct feed *feed, struct reader *reader, int64_t position);

/*
 * Return the frames of the lines after a position, of length bytes in all,
 * valid until the next feed_set_run(); NULL if some of them are kept no longer.
 */
const char *
feed_after(const struct feed *feed, int64_t position, size_t *length);

/* Return the position of the line whose frame ends at end. */
int64_t feed_position(const struct feed *feed, const char *end);

/* Has the feed lines after a position, or has it ended? */
bool feed_has_news(const struct feed *feed, int64_t position);

/* Has the program printed the line that says that others will follow? */
bool feed_announced(const struct feed *feed);

/* Return how the program ended, or READER_GOES_ON. */
enum reader_end feed_ended(const struct feed *feed);

/* Return the exit status of a program that has ended, -1 if it did not exit. */
int feed_status(const struct feed *feed);

/*
 * Tell a feed, before each feed_set_poll(), of a subscriber at a position.  The
 * feed reads no more of its program while the fastest subscriber has so much
 * left to get that lines would be dropped before it.  If lines have no
 * positions, so that nobody can catch up, the slowest subscriber counts
 * instead, for half a minute in all.
 */
void feed_mind(struct feed *feed, int64_t position);

/*
 * Set fds, which has room for most, to what to poll(2) for.  Returns the number
 * of descriptors.
 */
size_t feed_set_poll(struct feed_set *feeds, struct pollfd *fds, size_t most);

/* Return when, by clock_ticks(), to call feed_set_run() at the latest. */
int64_t feed_set_deadline(const struct feed_set *feeds);

/*
 * After poll(2) of fds, read what programs have printed, and free the feeds
 * that are over.  count is what feed_set_poll() returned.
 */
void
feed_set_run(struct feed_set *feeds, const struct pollfd *fds, size_t count);

/* Tell the feeds that the process pid ended with a status of wait(2). */
void feed_set_exited(struct feed_set *feeds, pid_t pid, int status);

#endif
