/* SPDX-License-Identifier: ISC */
/* The lines of one program, as frames for all who have caught up with it. */
#ifndef WEB_FEED_H
#define WEB_FEED_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "web/reader.h"

#define FEED_START INT64_MIN /* the position before every line */

/*
 * What is told.  Where lines have positions, which rise, the program takes
 * "-c position" to begin after that one and "-f" to go on when it has said all
 * there is.  Where position is NULL the program goes on by itself, and always
 * from the first line.
 */
struct feed_source {
	const char *const *argv;
	/* The position of a line, FEED_START if it has none. */
	int64_t (*position)(const char *line, size_t length);
	/*
	 * Why the stream is over when the program ends well; NULL if it should
	 * not end.  One that may end has to say by its first line, which is no
	 * one's, that there is something to tell.
	 */
	const char *complete;
};

/*
 * A feed keeps the last of its program's lines, 256 KiB at least, in frames.
 * The one rule: who has got everything up to a position gets the lines of a
 * greater position, and no other.  So a subscriber is a position, and costs
 * neither a process nor a queue; who is not served by what is kept, because it
 * comes late or is slow, must first catch up by a reader of its own.
 */
struct feed;
struct feeds;

/* The feeds of a server: none yet. */
struct feeds *feeds_new(void);

/* End all programs. */
void feeds_free(struct feeds *feeds);

/*
 * The feed of a source, made if there is none that goes on: feeds are the same
 * whose argv is.  A feed that nobody takes is gone with the next
 * feeds_run().
 */
struct feed *feeds_find(struct feeds *feeds, const struct feed_source *source);

/* Hold a feed, so that it stays. */
void feed_take(struct feed *feed);

/* Let go of a feed that was taken. */
void feed_leave(struct feed *feed);

/* What a feed tells; its words are the feed's own. */
const struct feed_source *feed_source(const struct feed *feed);

/* Was its program started, and has it not ended? */
bool feed_runs(const struct feed *feed);

/* Has the feed, which runs, all that one with a position lacks? */
bool feed_serves(const struct feed *feed, int64_t position);

/*
 * Start the program for one who has all there is until now, and who has that
 * position; also if it runs, but has said nothing and was begun after a
 * greater position, as one may ask for what is yet to come.
 */
void feed_begin(struct feed *feed, int64_t position);

/*
 * Start a reader of one's own after a position.  Where lines have positions
 * its program ends when it has said all there is, else it says all and goes
 * on.  Returns false, having told why, if it cannot be started.
 */
bool
feed_catch_up(const struct feed *feed, struct reader *reader, int64_t position);

/*
 * The frames of the lines after a position, which the next feeds_run() moves.
 * Returns NULL if some of them are kept no longer.
 */
const char *
feed_after(const struct feed *feed, int64_t position, size_t *length);

/* The position of the line whose frame ends where the pointer points to. */
int64_t feed_position(const struct feed *feed, const char *end);

/* Has the feed more than what one with a position has got, or an end? */
bool feed_has_news(const struct feed *feed, int64_t position);

/* Has the program said that there is something to tell? */
bool feed_announced(const struct feed *feed);

/* How the program ended, after its last line, if it did. */
enum reader_end feed_ended(const struct feed *feed);

/* The exit status of a program that has ended, -1 if it has none. */
int feed_status(const struct feed *feed);

/*
 * Tell a feed, before each feeds_poll(), of a subscriber with a position: the
 * program is not read on while the fastest has more to get than is kept.
 * Where lines have no positions, so that nobody can catch up, the slowest
 * counts, but no longer than for half a minute in all.
 */
void feed_mind(struct feed *feed, int64_t position);

/*
 * Fill in what to poll(2) for, most descriptors at most.  Returns how many it
 * is.
 */
size_t feeds_poll(struct feeds *feeds, struct pollfd *fds, size_t most);

/* The time, of clock_ticks(), at which to run though nothing was polled. */
int64_t feeds_deadline(const struct feeds *feeds);

/*
 * Read what programs have said, and see to those that ended.  count is what
 * feeds_poll() returned.
 */
void feeds_run(struct feeds *feeds, const struct pollfd *fds, size_t count);

/* Tell all that the process pid ended with a status of wait(2). */
void feeds_exited(struct feeds *feeds, pid_t pid, int status);

#endif
