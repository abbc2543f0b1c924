#!/bin/sh
# SPDX-License-Identifier: ISC
# The socket survives a burst, however it is served: P29.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
connects=5000 seconds=2.5
[ -z "${TACK_LONG:-}" ] || connects=20000 seconds=10

tack-init
export TACK_DB_PATH="$TMP/tack.db" TACK_BUILDKITE_WEBHOOK_MODE=token \
    TACK_BUILDKITE_WEBHOOK_SECRET=s3cret
http=$(command -v tack-http)
cat >burst.py <<'EOF'
"""Connections without a word, then one that is honest: burst.py port
connects seconds command..."""
import atexit, select, sys, time
from peer import *

port, connects, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
log = open("log", "ab")
started = subprocess.Popen(sys.argv[4:], stdin=subprocess.DEVNULL, stdout=log,
    stderr=log)

def end():
    mine = [started.pid] + children(started.pid)
    for pid in mine:
        kill(pid, 15)
    time.sleep(.1)
    for pid in mine + children(started.pid):
        kill(pid)
    started.wait()
atexit.register(end)

def start():
    """What a start of tack-http takes, of 64 at once whose peers have gone."""
    begin, running = time.monotonic(), []
    for _ in range(64):
        ours, theirs = socket.socketpair()
        running.append(subprocess.Popen(["tack-http"], stdin=theirs,
            stdout=theirs, stderr=subprocess.DEVNULL))
        ours.close()
        theirs.close()
    [p.wait() for p in running]
    return (time.monotonic() - begin) / 64

def answers():
    """Until a webhook has its 200; asked anew each 100 ms, as many would."""
    begin, asked, waiting = time.monotonic(), 0, []
    body = request(webhook("1", "running"))
    while time.monotonic() - begin < PATIENCE:
        if time.monotonic() - begin >= asked * .1:
            asked += 1
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
            waiting.append([s, body])
        _, w, _ = select.select([], [s for s, b in waiting if b], [], 0)
        for pair in waiting:
            if pair[0] in w:
                try:
                    pair[1] = pair[1][pair[0].send(pair[1]):]
                except OSError:
                    pair[1] = b""
        r, _, _ = select.select([s for s, b in waiting], [], [], .01)
        for s in r:
            try:
                if s.recv(4096).startswith(b"HTTP/1.1 200"):
                    return time.monotonic() - begin
            except OSError:
                pass
            waiting = [p for p in waiting if p[0] is not s]
    sys.exit(late("a webhook is answered", PATIENCE))

ready, one = answers(), start()
poll, fds, whole, refused = select.epoll(), {}, 0, 0
begin = time.monotonic()
for i in range(connects):
    due = begin + seconds * i / connects
    while True:
        late = due - time.monotonic()
        for fd, what in poll.poll(max(0, late) if i % 16 == 0 else 0):
            s = fds.pop(fd)
            if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                refused += 1
            else:
                whole += 1
            poll.unregister(fd)
            s.close()
        if due <= time.monotonic() or i % 16:
            break
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("127.0.0.1", port))
    fds[s.fileno()] = s
    poll.register(s, select.EPOLLOUT)
took = time.monotonic() - begin
for s in fds.values():
    s.close()
after = answers()
with open("figures", "w") as f:
    f.write("ready=%d after=%d whole=%d refused=%d left=%d took=%d alive=%d"
        " start=%d\n" % (1e3 * ready, 1e3 * after, whole, refused, len(fds),
        1e3 * took, started.poll() is None, 1e6 * one))
EOF

# Where each is a process, who comes last waits for all who are in the queue,
# 128, or are served, 256. A second, and four times what all these would take alone,
# is what it may be.
queue=384

# burst how command...: the command serves on 127.0.0.1:$port.
burst() {
	how=$1
	shift
	after=99999 alive=0 start=0 ready='' whole='' refused='' left='' took=''
	figures burst.py "$port" "$connects" "$seconds" "$@"
	most=$((1000 + 4 * queue * start / 1000))
	note "P29: $how: $connects connections in $took ms: $whole came" \
	    "through, $refused refused, $left left; a webhook is answered" \
	    "after $after ms ($ready ms at the start); a start takes $start us," \
	    "so it may be $most ms"
	ok "P29 $how: after the burst it answers, as soon as a queue is served" \
	    [ "$after" -le "$most" ]
	is "P29 $how: and lives" 1 "$alive"
}

port=$(free_port)
burst 'tack-http -l' tack-http -l "127.0.0.1:$port"
if command -v systemd-socket-activate >/dev/null; then
	port=$(free_port)
	burst 'a passed socket' systemd-socket-activate \
	    -l "127.0.0.1:$port" -E PATH -E TACK_SHARE -E TACK_DB_PATH \
	    -E TACK_BUILDKITE_WEBHOOK_MODE -E TACK_BUILDKITE_WEBHOOK_SECRET \
	    "$http"
fi
if [ -n "${TACK_SANITIZE:-}" ]; then
	skip 'P29 a process each' 'the build is sanitized'
	done_testing
	exit
fi
if command -v inetd >/dev/null; then
	for how in wait "$(awk '$2 == "stream" { print $4 }' \
	    "$TOP/share/examples/inetd.conf")"; do
		port=$(free_port)
		echo "127.0.0.1:$port stream tcp $how $(id -un) $http tack-http" \
		    >inetd.conf
		burst "inetd $how" inetd -d inetd.conf
	done
fi
if command -v tcpserver >/dev/null; then
	port=$(free_port)
	burst tcpserver tcpserver -RHl0 -c 256 -b 128 127.0.0.1 "$port" tack-http
fi
done_testing
