/* SPDX-License-Identifier: ISC */
/* The loop of a filter: lines in, batches of records through, lines out. */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/spin.h"
#include "data/check.h"
#include "data/json.h"
#include "data/print.h"
#include "data/record.h"
#include "flow/filter.h"

/* Microseconds to look before a wait, if the last one was not longer than. */
#define SPIN_TIME 200
#define SOON 800

/* A line longer than this is not a record but a mistake. */
#define LINE_MAX_SIZE (16 * 1024 * 1024)

struct loop {
	filter_fn *fn; /* or */
	filter_request_fn *request;
	void *arg;
	struct bytes out; /* what the batch will write */
	size_t line;
	int status;
	bool soon; /* the last wait was short */
	bool alone; /* the last batch was one line */
};

static void
reject(struct loop *l, const char *why)
{
	warnx("stdin:%zu: %s", l->line, why);
	l->status = 1;
}

/* The text but for a part, with null in its place. */
static char *
without(const char *text, size_t *length, const struct check_span *part)
{
	size_t before = (size_t)(part->text - text);
	size_t after = *length - before - part->length;
	char *rest = xmalloc(before + 4 + after);

	memcpy(rest, text, before);
	memcpy(rest + before, "null", 4);
	memcpy(rest + before + 4, part->text + part->length, after);
	*length = before + 4 + after;
	return rest;
}

/*
 * The record of a line.  A part that is large, and a stranger's, is cut out
 * before libjq sees the rest.
 */
static jv
record(const char *line, size_t length, const struct check_span *part)
{
	char *rest;
	jv rec;

	if (part->text == NULL)
		return json_parse(line, length);
	rest = without(line, &length, part);
	rec = json_parse(rest, length);
	free(rest);
	return rec;
}

/* Call the function for the record of a line. */
static jv
call(struct loop *l, const char *line, size_t length,
    const struct check_span *payload, struct check_span *body)
{
	jv rec;

	if (l->request == NULL) {
		rec = record(line, length, payload);
		if (!jv_is_valid(rec))
			return rec;
		if (payload->text != NULL)
			rec = json_set(rec, "payload",
			    jv_string_sized(
				payload->text, (int)payload->length));
		return l->fn(rec, l->arg);
	}
	if (body->text != NULL &&
	    (*body->text != '"' ||
		memchr(body->text, '\\', body->length) != NULL))
		body->text = NULL;
	rec = record(line, length, body);
	if (body->text != NULL) {
		body->text++;
		body->length -= 2;
	}
	return jv_is_valid(rec) ? l->request(rec, body, l->arg) : rec;
}

/* Write a record, its payload as the JSON text that it is. */
static void
print(struct loop *l, jv rec)
{
	jv payload = json_get(&rec, "payload");
	bool raw = jv_get_kind(payload) == JV_KIND_STRING;
	char *text;

	if (raw)
		rec = json_drop(rec, "payload");
	text = print_text(rec);
	print_safe(&l->out, text, strlen(text) - raw);
	if (raw) {
		print_name(&l->out, "payload");
		print_safe(&l->out, jv_string_value(payload),
		    (size_t)jv_string_length_bytes(jv_copy(payload)));
		print_close(&l->out, '}');
	}
	bytes_add(&l->out, "\n", 1);
	free(text);
	jv_free(payload);
}

/* Tell of a record that was settled here, and not for the better. */
static void
report(const struct loop *l, const jv *rec)
{
	const char *outcome = json_str(rec, "outcome");
	const char *reason = json_str(rec, "reason");
	const char *id = json_str(rec, "id");
	int status = record_http_status(record_outcome(rec));

	if (status < 400 || status >= 500)
		return;
	if (reason == NULL)
		reason = "no reason";
	if (id != NULL && strspn(id, "0123456789-") == strlen(id))
		warnx("record %s: %s: %s", id, outcome, reason);
	else
		warnx("stdin:%zu: %s: %s", l->line, outcome, reason);
}

static void
pass(jv rec, void *arg)
{
	report(arg, &rec);
	print(arg, rec);
}

static void
handle(struct loop *l, const char *line, size_t length)
{
	static const char *const payload_path[] = { "payload", NULL };
	static const char *const outcome_path[] = { "outcome", NULL };
	static const char *const body_path[] = { "request", "body", NULL };
	struct check_want wants[] = { { payload_path, { NULL, 0 } },
		{ outcome_path, { NULL, 0 } }, { body_path, { NULL, 0 } } };
	char why[80];
	ssize_t at;
	jv rec;

	l->line++;
	if (strspn(line, " \t\r") == length)
		return; /* no record, and no mistake */
	if ((at = check_json(line, length, wants, 3)) != -1) {
		snprintf(why, sizeof(why), "%s at byte %zd",
		    check_why(line, length, at), at + 1);
		reject(l, why);
		return;
	}
	if (line[strspn(line, " \t\r")] != '{') {
		reject(l, "not an object");
		return;
	}
	if (wants[1].value.text != NULL) {
		print_safe(&l->out, line, length);
		bytes_add(&l->out, "\n", 1);
		return;
	}
	rec = call(l, line, length, &wants[0].value, &wants[2].value);
	if (!jv_is_valid(rec)) {
		jv message = jv_invalid_get_msg(rec);

		reject(l,
		    jv_get_kind(message) == JV_KIND_STRING ?
			jv_string_value(message) :
			"not JSON that libjq takes");
		jv_free(message);
		return;
	}
	if (jv_get_kind(rec) == JV_KIND_ARRAY) {
		json_each(&rec, pass, l);
		jv_free(rec);
	} else
		pass(rec, l);
}

static void
write_out(struct loop *l)
{
	for (size_t done = 0; done < l->out.length;) {
		ssize_t n = write(
		    STDOUT_FILENO, l->out.text + done, l->out.length - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			err(EX_IOERR, "stdout");
		done += (size_t)n;
	}
	l->out.length = 0;
}

/* The complete lines that the buffer begins with; returns their length. */
static size_t
batch(struct loop *l, char *buffer, size_t length, filter_batch_fn *begin,
    filter_batch_fn *commit)
{
	char *line = buffer, *end;

	if (memchr(buffer, '\n', length) == NULL)
		return 0;
	if (begin != NULL)
		begin(l->arg);
	while ((end = memchr(line, '\n', length - (size_t)(line - buffer))) !=
	    NULL) {
		*end = '\0';
		handle(l, line, (size_t)(end - line));
		line = end + 1;
	}
	if (commit != NULL)
		commit(l->arg);
	write_out(l);
	return (size_t)(line - buffer);
}

/*
 * Read stdin.  Where requests come one by one the next is here before we could
 * be woken: then look for it, but not after a wait that was long.
 */
static ssize_t
read_soon(struct loop *l, char *buffer, size_t size)
{
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	int64_t start;
	ssize_t n;

	if (l->request == NULL)
		return read(STDIN_FILENO, buffer, size);
	start = clock_us();
	if (l->soon && l->alone)
		spin_poll(&in, 1, SPIN_TIME);
	n = read(STDIN_FILENO, buffer, size);
	l->soon = clock_us() - start < SOON;
	return n;
}

/* Drop what is still of a line that is too long; returns what is left. */
static size_t
skip(char *buffer, size_t length, bool *skips)
{
	char *end = memchr(buffer, '\n', length);

	if (end == NULL)
		return 0;
	*skips = false;
	length -= (size_t)(++end - buffer);
	memmove(buffer, end, length);
	return length;
}

static int
loop(struct loop l, filter_batch_fn *begin, filter_batch_fn *commit)
{
	size_t size = FILTER_BATCH, length = 0, before, done;
	char *buffer = xmalloc(size + 1);
	bool ended = false, skips = false;
	ssize_t n;

	while (!ended) {
		n = read_soon(&l, buffer + length, size - length);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			err(EX_IOERR, "stdin");
		length += (size_t)n;
		if (skips)
			length = skip(buffer, length, &skips);
		if (n == 0) {
			ended = true;
			if (length > 0) /* a last line without its end */
				buffer[length++] = '\n';
		}
		before = l.line;
		done = batch(&l, buffer, length, begin, commit);
		l.alone = l.line == before + 1;
		memmove(buffer, buffer + done, length - done);
		length -= done;
		if (length < size)
			continue;
		if (size >= LINE_MAX_SIZE) {
			l.line++;
			reject(&l, "line too long");
			skips = true;
			length = 0;
		} else
			buffer = xrealloc(buffer, (size *= 2) + 1);
	}
	free(buffer);
	bytes_free(&l.out);
	if (close(STDOUT_FILENO) == -1)
		err(EX_IOERR, "stdout");
	return l.status;
}

int
filter_batch(
    filter_fn *fn, filter_batch_fn *begin, filter_batch_fn *commit, void *arg)
{
	struct loop l = { .fn = fn, .arg = arg };

	return loop(l, begin, commit);
}

int
filter_requests(filter_request_fn *request, filter_batch_fn *begin,
    filter_batch_fn *commit, void *arg)
{
	struct loop l = { .request = request, .arg = arg };

	return loop(l, begin, commit);
}

int
filter(filter_fn *fn, void *arg)
{
	return filter_batch(fn, NULL, NULL, arg);
}
