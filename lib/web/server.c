/* SPDX-License-Identifier: ISC */
/* Connections, as many as there may be, and the loop that serves them. */
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/spin.h"
#include "web/server.h"

/*
 * Starts of programs for streams: a second's at most, saved up, and in one
 * turn of the loop, so that webhooks do not wait for them.
 */
#define STARTS 100
#define STARTS_SAVED 32
#define STARTS_AT_ONCE 4

/*
 * Microseconds to look before a wait for an answer, if the last one did not
 * take longer than.
 */
#define SPIN_TIME 400
#define SOON 800

struct server {
	const struct conn_handler *handler;
	struct conn **conns;
	size_t count;
	size_t most;
	int signals; /* tells of those we act on */
	int64_t allowance; /* thousandths of a start */
	int64_t allowed; /* when it was last reckoned */
	bool newest; /* is to start next */
	bool soon; /* the last answer came soon */
};

static int
catch_signals(void)
{
	static const int signals[] = { SIGCHLD, SIGINT, SIGTERM };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < 3; i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if ((fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		err(EX_OSERR, "signalfd");
	signal(SIGPIPE, SIG_IGN);
	return fd;
}

struct server *
server_new(const struct conn_handler *handler, size_t most)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->conns = xcalloc(most, sizeof(*s->conns));
	s->handler = handler;
	s->most = most;
	s->signals = catch_signals();
	return s;
}

void
server_add(struct server *s, int fd, bool once)
{
	s->conns[s->count++] = conn_new(fd, s->handler, once);
}

size_t
server_streams(const struct server *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += conn_streams(s->conns[i]);
	return n;
}

struct conn *
server_waiting(const struct server *s, uint64_t number)
{
	for (size_t i = 0; i < s->count; i++)
		if (conn_waits_for(s->conns[i], number))
			return s->conns[i];
	return NULL;
}

void
server_refuse(struct server *s, int status, const char *why)
{
	for (size_t i = 0; i < s->count; i++)
		if (conn_waits(s->conns[i]))
			conn_refuse(s->conns[i], status, why);
}

/* Forget the dead. */
static void
sweep(struct server *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		if (conn_dead(s->conns[i]))
			conn_free(s->conns[i]);
		else
			s->conns[n++] = s->conns[i];
	s->count = n;
}

/* Make room: close the connection whose request is incomplete for longest. */
static bool
evict(struct server *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (conn_evict(s->conns[i])) {
			sweep(s);
			return true;
		}
	return false;
}

/* Accept all that wait; false if that must itself wait for a moment. */
static bool
on_listener(struct server *s, int listener)
{
	struct pollfd waiting = { listener, POLLIN, 0 };
	int fd;

	for (size_t i = 0; i < 64; i++) {
		/* Nobody goes for a guest who has not come. */
		if (s->count >= s->most && poll(&waiting, 1, 0) == 0)
			return true;
		if (s->count >= s->most && !evict(s))
			return false;
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd != -1)
			server_add(s, fd, false);
		else if (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM)
			return evict(s);
		else if (errno != ECONNABORTED && errno != EINTR)
			break;
	}
	return true;
}

/* Children that have ended, each of which one of them knows, or nobody. */
static void
reap(struct server *s, struct feed_set *feeds)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		feed_set_exited(feeds, pid, status);
		for (size_t i = 0; i < s->count; i++)
			conn_exited(s->conns[i], pid, status);
	}
}

/*
 * The connection that is next to start a program; NULL if none waits.  It is
 * the oldest and the newest by turns: were it the oldest alone, whoever comes
 * would wait behind all who came to keep the others waiting.
 */
static struct conn *
next_to_start(const struct server *s)
{
	struct conn *next = NULL;
	int64_t since, best = 0;

	for (size_t i = 0; i < s->count; i++) {
		since = conn_waits_to_start(s->conns[i]);
		if (since != INT64_MAX &&
		    (next == NULL ||
			(s->newest ? since >= best : since < best))) {
			best = since;
			next = s->conns[i];
		}
	}
	return next;
}

/* Start what may be started; returns when to come again, if anybody waits. */
static int64_t
start_some(struct server *s, int64_t now)
{
	struct conn *c;
	size_t n = 0;

	s->allowance += (now - s->allowed) * STARTS;
	s->allowed = now;
	if (s->allowance > STARTS_SAVED * 1000)
		s->allowance = STARTS_SAVED * 1000;
	while ((c = next_to_start(s)) != NULL) {
		if (s->allowance < 1000)
			return now + (1000 - s->allowance) / STARTS + 1;
		if (n == STARTS_AT_ONCE)
			return now;
		if (conn_start(c)) {
			s->allowance -= 1000;
			s->newest = !s->newest;
			n++;
		}
	}
	return INT64_MAX;
}

/* No new requests; what has begun is brought to its end. */
static void
wind_up(struct server *s, int *listener)
{
	close(*listener);
	*listener = -1;
	for (size_t i = 0; i < s->count; i++)
		conn_wind_up(s->conns[i]);
	sweep(s);
}

static void
on_signal(struct server *s, struct feed_set *feeds, int *listener)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD && *listener != -1)
			wind_up(s, listener);
	reap(s, feeds);
}

/* Does all that is asked at the moment wait for one answer? */
static bool
one_waits(const struct server *s)
{
	size_t waiting = 0;

	for (size_t i = 0; i < s->count; i++)
		if (conn_waits(s->conns[i]))
			waiting++;
		else if (!conn_streams(s->conns[i]))
			return false;
	return waiting == 1;
}

void
server_run(struct server *s, struct pipeline *pipeline, struct feed_set *feeds,
    int listener)
{
	struct pollfd *fds, *fd;
	int64_t now = clock_ticks(), until, paused = 0, starts = INT64_MAX;
	int64_t asked;
	size_t n, fed, most = 2 + PIPELINE_FDS + (CONN_FDS + 1) * s->most;

	fds = xcalloc(most, sizeof(*fds));
	while (listener != -1 || s->count > 0) {
		until = now + 60000;
		fds[0] =
		    (struct pollfd){ paused > now ? -1 : listener, POLLIN, 0 };
		if (paused > now)
			until = paused;
		if (starts < until)
			until = starts;
		fds[1] = (struct pollfd){ s->signals, POLLIN, 0 };
		pipeline_feed(pipeline);
		pipeline_poll(pipeline, fds + 2);
		fd = fds + 2 + PIPELINE_FDS;
		n = s->count;
		for (size_t i = 0; i < n; i++, fd += CONN_FDS) {
			conn_poll(s->conns[i], fd);
			if (conn_deadline(s->conns[i]) < until)
				until = conn_deadline(s->conns[i]);
		}
		fed = feed_set_poll(feeds, fd, s->most);
		if (feed_set_deadline(feeds) < until)
			until = feed_set_deadline(feeds);
		until = until > now ? until - now : 0;
		asked = until > 0 && one_waits(s) ? clock_us() : 0;
		if (asked != 0 && s->soon &&
		    spin_poll(fds, (nfds_t)(fd + fed - fds), SPIN_TIME) > 0)
			until = 0;
		if (poll(fds, (nfds_t)(fd + fed - fds), (int)until) == -1 &&
		    errno != EINTR)
			err(EX_OSERR, "poll");
		now = clock_ticks();
		if (asked != 0)
			s->soon = clock_us() - asked < SOON;
		pipeline_run(pipeline, fds + 2);
		feed_set_run(feeds, fd, fed);
		fd = fds + 2 + PIPELINE_FDS;
		for (size_t i = 0; i < n; i++, fd += CONN_FDS)
			conn_run(s->conns[i], fd);
		if (fds[1].revents != 0)
			on_signal(s, feeds, &listener);
		sweep(s);
		if (fds[0].revents != 0 && listener != -1 &&
		    !on_listener(s, listener))
			paused = now + 100;
		starts = start_some(s, now);
		sweep(s);
	}
	free(fds);
}
