/* SPDX-License-Identifier: ISC */
/* Fuzz the server's end of a WebSocket: what it says is always in order. */
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "web/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint8_t said[1 << 20];
static size_t length;

static void
listen_to(int fd)
{
	ssize_t n;

	while ((n = recv(fd, said + length, sizeof(said) - length,
		    MSG_DONTWAIT)) > 0)
		length += (size_t)n;
}

/* Whole frames of a server: no mask, no fragment, control frames small. */
static void
check(void)
{
	const uint8_t *p = said, *end = said + length;
	int closed = 0;
	size_t n;

	while (end - p >= 2) {
		uint8_t first = p[0];

		n = p[1];
		p += 2;
		if (n == 126 && end - p >= 2) {
			n = (size_t)(p[0] << 8 | p[1]);
			p += 2;
		} else if (n > 125)
			abort();
		if (closed || (size_t)(end - p) < n ||
		    (first != 0x81 && first != 0x88 && first != 0x89 &&
			first != 0x8a) ||
		    (first != 0x81 && n > 125) || (first == 0x88 && n == 1))
			abort();
		if (first == 0x88 && n >= 2) {
			int code = p[0] << 8 | p[1];

			if (code < 1000 || code >= 5000 || code == 1005 ||
			    code == 1006)
				abort();
		}
		closed = first == 0x88;
		p += n;
	}
	if (p != end)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fds[2], open = 1, rounds = 0;
	size_t early, n;
	struct ws *ws;

	if (size < 2 || size > 16384)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		abort();
	length = 0;
	early = data[0] % 16;
	n = data[1];
	data += 2;
	size -= 2;
	if (early > size)
		early = size;
	ws = ws_new(fds[0], (const char *)data, early);
	data += early;
	size -= early;
	/* Pieces as the second byte says; a text and a Ping in between. */
	while (open && (size > 0 || rounds < 8)) {
		size_t piece = n % 64 == 0 || n % 64 > size ? size : n % 64;

		if (piece > 0 &&
		    send(fds[1], data, piece, MSG_DONTWAIT) != (ssize_t)piece)
			abort();
		data += piece;
		size -= piece;
		if (rounds++ == 1 && n >= 128) {
			ws_text(ws, "{}", 2);
			ws_ping(ws);
		}
		if (rounds == 3 && n >= 192)
			ws_close(ws, 1001, n >= 224 ? "gone" : NULL);
		open = ws_run(ws);
		listen_to(fds[1]);
	}
	check();
	ws_free(ws);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
