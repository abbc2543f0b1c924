#!/bin/sh
# SPDX-License-Identifier: ISC
# One feeder for all who have caught up, and what becomes of who has not: P13,
# P15. oracle.t has the proof that nothing is missing under load.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
tack-init
cat >feed.py <<'EOF'
"""Subscribers beside each other, a fact a line."""
import select, sqlite3, time
from peer import *

MANY = 10000 # more than is kept and than sockets hold, within half a minute
server, n = Server(), 0
server.wait()

def fact(what, good):
    print(("yes" if good else "NO ") + " " + what, flush=True)

def publish(many=1):
    """Events by tack-status; the text of the last one's rkey."""
    global n
    lines = ""
    for _ in range(many):
        n += 1
        lines += json.dumps({"event": "e", "build": {"status": "pending"},
            "ref": {"knot": "k", "pipeline_rkey": "r%d" % n, "workflow": "w",
            "pipeline_uri": "at://did:web:k/sh.tangled.pipeline/r%d" % n}}) \
            + "\n"
    subprocess.run(["tack-status"], input=lines, text=True, check=True,
        stdout=subprocess.DEVNULL)

def created(text):
    return int(text[11:30])

def log():
    with sqlite3.connect("file:tack.db?mode=ro", uri=True) as db:
        return [row[0] for row in
            db.execute("SELECT created FROM event ORDER BY created")]

def read(s, until, timeout=120):
    """The cursors of what comes, until there are so many or no more."""
    got, end = [created(t) for t in s.frames()], time.monotonic() + timeout
    while len(got) < until and time.monotonic() < end and not s.closed:
        if select.select([s.socket], [], [], .2)[0]:
            got += [created(t) for t in s.feed()]
    return got

def feeders():
    return [p for p in children(server.pid()) if name(p) == "tack-events"]

def settled(count, timeout=60):
    end = time.monotonic() + timeout
    while len(feeders()) != count and time.monotonic() < end:
        time.sleep(.05)
    return len(feeders()) == count

publish(3)
many = [Subscriber(server.port) for _ in range(20)]
all_ = [read(s, 3) for s in many]
fact("twenty get what there is", all(got == log() for got in all_))
fact("and have one feeder", settled(1))
publish()
fact("each gets the next event, once",
    all(read(s, 1) == log()[-1:] for s in many))
feeder = feeders()[0]
kill(feeder)
publish(2)
fact("a feeder that is killed is missed by nobody",
    all(read(s, 2) == log()[-2:] for s in many) and settled(1) and
    feeders() != [feeder])
feeder = feeders()
again = Subscriber(server.port, log()[-2])
fact("who comes again gets what it lacks", read(again, 1) == log()[-1:])
fact("and needs no process", feeders() == feeder)
ahead = Subscriber(server.port, 1 << 62)
publish()
fact("an event goes to those whose cursor it is after",
    all(read(s, 1) == log()[-1:] for s in many + [again]))
fact("and not to who asked for the future", read(ahead, 1, .5) == [])

slow = Subscriber(server.port, log()[-1], receive=4096)
before = len(log())
publish(MANY)
quick = [read(s, MANY) for s in many[:2]]
fact("a slow reader keeps nobody", all(got == log()[before:] for got in quick))
fact("and gets all in order when it reads again",
    read(slow, MANY) == log()[before:])
fact("after which it shares the feeder", settled(1))
for s in many + [again, ahead, slow]:
    s.close()
one = Subscriber(server.port, log()[-1])
fact("the feeder stays for who comes soon", feeders() != [])
publish()
fact("who gets the next event", read(one, 1) == log()[-1:])
one.close()
server.stop()

# Where the first one asked for what is yet to come.
server.start()
server.wait()
ahead = Subscriber(server.port, 1 << 62)
settled(1)
late = Subscriber(server.port, log()[0])
fact("one who is first and ahead harms nobody", read(late, len(log()) - 1) ==
    log()[1:])
publish()
fact("nor keeps the next event from others", read(late, 1) == log()[-1:])
server.stop()
EOF
timeout 900 /usr/bin/python3 feed.py >facts 2>log
while read -r good what; do
	is "$what" yes "$good"
done <facts
ok 'all was asked' sh -c 'cat log; [ "$(wc -l <facts)" -eq 15 ]'

# Who has hung up before its turn starts nothing.
mkdir own
cp "$(command -v tack-http)" own
cat >own/tack-events <<'EOF'
#!/bin/sh
echo start >>starts
exec sleep 60
EOF
chmod +x own/tack-events
: >starts
own/tack-http -l 127.0.0.1:0 -p cat 2>http.log &
http=$!
until grep -q listening http.log; do sleep 0.1; done
kill -STOP "$http" # so that it comes to look when all have gone
/usr/bin/python3 - "$(sed -n 's/.*listening on 127.0.0.1://p' http.log)" <<'EOF'
import socket, struct, sys
for how in range(100):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
            struct.pack("ii", how % 2, 0))
        s.sendall(b"GET /events HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
EOF
kill -CONT "$http"
is 'the server answers' ok "$(curl -s -m 20 \
    "http://$(sed -n 's/.*listening on //p' http.log)/healthz")"
is 'for those who have hung up nothing was started' 0 "$(grep -c . starts)"
kill "$http"
wait "$http"
done_testing
