#!/bin/sh
# SPDX-License-Identifier: ISC
# The stream is complete and in order, whoever dies or hangs up: P13.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
events=${TACK_EVENTS:-$([ -z "${TACK_LONG:-}" ] && echo 50000 || echo 10000000)}
[ -z "${TACK_SANITIZE:-}" ] || events=5000
seed=${TACK_SEED:-$(date +%s)}

tack-init
cat >oracle.py <<'EOF'
"""16 writers and 32 subscribers, against what was written: oracle.py
events seed"""
import array, hashlib, random, selectors, sqlite3, sys, threading, time
from peer import *

total, seed = int(sys.argv[1]), int(sys.argv[2])
WRITERS, SUBSCRIBERS = 16, 32
MEAN = max(total // 5, 500)  # events between two hang-ups of a subscriber
server, writing, still = Server(), True, Still()
told, resent, deaths = [0] * WRITERS, [0], {}
pids = [0] * WRITERS

def writer(i):
    """tack-status fed batches; those not answered are sent once more."""
    rng, j, p = random.Random(seed * 100 + i), 0, None
    while j < total // WRITERS:
        n = min(rng.choice((1, 2, 10, 50, 100)), total // WRITERS - j)
        lines = "".join(json.dumps({"event": "e", "build": {"status":
            "pending"}, "ref": {"knot": "k", "pipeline_rkey": "%d-%d" %
            (i, k), "workflow": "w", "pipeline_uri":
            "at://did:web:k/sh.tangled.pipeline/%d-%d" % (i, k)}}) + "\n"
            for k in range(j, j + n))
        try:
            if p is None:
                p = subprocess.Popen(["tack-status"], stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, text=True)
                pids[i] = p.pid
            p.stdin.write(lines)
            p.stdin.flush()
            for _ in range(n):
                line = p.stdout.readline()
                if '"published"' not in line and '"duplicate"' not in line:
                    raise BrokenPipeError
            j += n
            told[i] = j
        except BrokenPipeError:
            resent[0] += 1
            pids[i] = 0
            try:
                p.stdin.close()
            except BrokenPipeError:
                pass
            p.wait()
            p = None
    pids[i] = 0
    if p is not None:
        p.stdin.close()
        p.wait()

class Reader:
    """One who reads all of the log, in many connections."""
    def __init__(self, i):
        self.rng, self.peer = random.Random(seed * 1000 + i), None
        self.last, self.count, self.sum = 0, 0, hashlib.blake2b()
        self.recent = array.array("q")  # the last few, to rewind to
        self.overlap = array.array("q")  # what is announced to come again
        self.hangups = self.refused = self.disorder = self.again = 0

    def connect(self):
        self.overlap = array.array("q")
        cursor = self.last
        if self.recent and self.rng.random() < .25:
            at = self.rng.randrange(len(self.recent))
            cursor, self.overlap = self.recent[at], self.recent[at + 1:]
        try:
            self.peer = Subscriber(server.port, cursor)
        except (OSError, EOFError):
            self.refused += 1
            return False
        self.left = self.rng.randint(1, 2 * MEAN)
        return True

    def take(self, texts):
        created = array.array("q", [int(t[11:30]) for t in texts])
        self.left -= len(created)
        if self.overlap:
            n = min(len(self.overlap), len(created))
            self.disorder += self.overlap[:n] != created[:n]
            self.again += n
            self.overlap, created = self.overlap[n:], created[n:]
        for c in created:
            if c <= self.last:
                self.disorder += 1
            self.last = c
        self.count += len(created)
        self.sum.update(created.tobytes())
        self.recent = (self.recent + created)[-50:]

def breaker():
    """Kill whatever there is, at random times."""
    rng = random.Random(seed)
    while writing:
        time.sleep(rng.random() * .3)
        what = rng.random()
        if what < .15:
            kill(server.process.pid)
            server.process.wait()
            server.start()
            deaths["tack-http"] = deaths.get("tack-http", 0) + 1
            continue
        if what < .5:
            some = [p for p in pids if p]
        else:
            some = [p for p in children(server.process.pid)
                if name(p) == "tack-events"]
        if some:
            victim = rng.choice(some)
            what = name(victim)
            kill(victim)
            deaths[what] = deaths.get(what, 0) + 1

server.wait()
start = time.monotonic()
writers = [threading.Thread(target=writer, args=(i,)) for i in range(WRITERS)]
killer = threading.Thread(target=breaker)
[t.start() for t in writers + [killer]]
select, readers = selectors.DefaultSelector(), [Reader(i)
    for i in range(SUBSCRIBERS)]
idle = list(readers)
goal = total // WRITERS * WRITERS
while any(r.count < goal for r in readers) and not still(sum(told),
        sum(r.count for r in readers)):
    for r in idle:
        if r.connect():
            select.register(r.peer.socket, selectors.EVENT_READ, r)
            r.take(r.peer.frames())
    idle = [r for r in idle if r.peer is None]
    if all(t == goal // WRITERS for t in told):
        writing = False
    for key, _ in select.select(.2):
        r = key.data
        try:
            r.take(r.peer.feed())
        except OSError:
            r.peer.closed = True
        if r.peer.closed or (r.left < 0 and r.count < goal):
            select.unregister(r.peer.socket)
            r.hangups += 1
            r.peer.close()
            r.peer = None
            idle.append(r)
writing = False
[t.join() for t in writers + [killer]]
wall = time.monotonic() - start
server.stop()
with sqlite3.connect("file:tack.db?mode=ro", uri=True) as db:
    log = array.array("q", (row[0] for row in
        db.execute("SELECT created FROM event ORDER BY created")))
    twice = db.execute("SELECT count(*) - count(DISTINCT"
        " event ->> 'pipeline') FROM event").fetchone()[0]
behind = sum(r.count != len(log) for r in readers)
gaps = sum(r.sum.digest() != hashlib.blake2b(log[:r.count].tobytes()).digest()
    for r in readers)
disorder = sum(r.disorder for r in readers)
note("P13: seed %d: %d events by %d writers (%d batches sent again) to %d"
    " subscribers (%d hang-ups, %d events again where announced); killed: %s;"
    " %.0f s, %.0f frames/s" % (seed, len(log), WRITERS, resent[0],
    SUBSCRIBERS, sum(r.hangups for r in readers), sum(r.again for r in
    readers), ", ".join("%d %s" % (n, what) for what, n in
    sorted(deaths.items())), wall, sum(r.count for r in readers) / wall))
note("P13: %d of %d subscribers with a gap, %d reorderings, %d events twice" %
    (gaps, SUBSCRIBERS, disorder, twice))
if behind:
    note(late("%d subscribers are at the end; nothing moved" % behind, PATIENCE))
with open("figures", "w") as f:
    f.write("log=%d goal=%d behind=%d gaps=%d disorder=%d twice=%d deaths=%d\n"
        % (len(log), goal, behind, gaps, disorder, twice, sum(deaths.values())))
EOF
log=0 goal=-1 behind=-1 gaps=-1 disorder=-1 twice=-1 deaths=0
figures oracle.py "$events" "$seed"
is 'P13 each event that was sent is in the log' "$goal" "$log"
is 'P13 and once' 0 "$twice"
is 'P13 each subscriber comes to the end of it' 0 "$behind"
is 'P13 none has a gap' 0 "$gaps"
is 'P13 nor anything out of order, or again where it was not asked for' 0 \
    "$disorder"
ok 'P13 and things did die' [ "$deaths" -gt 3 ]
done_testing
