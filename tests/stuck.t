#!/bin/sh
# SPDX-License-Identifier: ISC
# A stuck reader harms nobody, and goes; a lost bell costs a second: P15, P16.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
soak=8
[ -z "${TACK_LONG:-}" ] || soak=600

tack-init
cat >bell.py <<'EOF'
"""The bell is removed, replaced, or never was: how late is the news?"""
import select, sys, threading, time
from peer import *

n = 0
def publish():
    """Commit one event with a tool of its own; the time it was told."""
    global n
    n += 1
    out = subprocess.run(["tack-status"], input=json.dumps({"event": "e",
        "build": {"status": "pending"}, "ref": {"knot": "k", "pipeline_rkey":
        "%d" % n, "workflow": "w", "pipeline_uri": "at://x"}}) + "\n",
        text=True, capture_output=True, check=True).stdout
    assert '"published"' in out
    return time.monotonic()

def delay(reader):
    """From the tool's end to the line; it began at most 100 ms before."""
    told = publish()
    if not select.select([reader.stdout], [], [], PATIENCE)[0]:
        sys.exit(late("an event is told of", PATIENCE))
    reader.stdout.readline()
    return time.monotonic() - told

def second():
    """What a second comes to here, just now."""
    begin = time.monotonic()
    time.sleep(1)
    seconds.append(time.monotonic() - begin)

def follow(absent):
    p = subprocess.Popen(["tack-events", "-f"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if absent else None, bufsize=0)
    if absent:
        assert b"once a second" in p.stderr.readline()
    publish()
    for _ in range(n):
        p.stdout.readline()
    time.sleep(.2)
    return p

def mute(how):
    if how == "removed":
        os.unlink("tack.db-bell")
    else:
        open("new", "w").close()
        os.rename("new", "tack.db-bell")

server, spans, heard, seconds = Server(), {}, [], []
server.wait()
for how in "removed", "replaced", "absent":
    spans[how] = []
    for _ in range(3 if long_form() else 1):
        if how == "absent":
            mute("removed")
        reader = follow(how == "absent")
        if how != "absent":
            heard.append(delay(reader))
            mute(how)
        for _ in range(2):
            floor = threading.Thread(target=second)
            floor.start()
            spans[how].append(delay(reader))
            floor.join()
        kill(reader.pid)
        reader.wait()
worst = max(max(s) for s in spans.values())
note("P15: bell lost, the news came after %s s at most (%s); with the bell"
    " %.1f ms; a second's sleep took %.2f s at most" % ("%.2f" % worst,
    ", ".join("%s %.2f" % (how, max(s)) for how, s in spans.items()),
    1e3 * max(heard), max(seconds)))

# Idle subscribers, by the scheduler's own account, in nanoseconds.
def ran(pid):
    return int(open("/proc/%d/schedstat" % pid).read().split()[0])
publish()
idle = [Subscriber(server.port) for _ in range(20)]
for peer in idle:
    seen = peer.frames()
    while not seen:
        seen = peer.feed()
time.sleep(1.5)
pids = [server.process.pid] + children(server.process.pid)
before, begin = {pid: ran(pid) for pid in pids}, time.monotonic()
time.sleep(3)
share = sum(ran(pid) - before[pid] for pid in pids) / len(idle) / 1e9 / (
    time.monotonic() - begin)
pss = []
for pid in pids:
    if name(pid) == "tack-events":
        with open("/proc/%d/smaps_rollup" % pid) as f:
            pss += [int(line.split()[1]) for line in f
                if line.startswith("Pss:")]
note("P15: an idle subscriber takes %.3f %% of a CPU, tack-http's share"
    " within" % (100 * share))
note("P16: 20 idle subscribers: %d feeder, %.2f MiB PSS" % (len(pss), sum(pss) /
    len(pss) / 1024))
server.stop()
with open("figures", "w") as f:
    f.write("worst=%d second=%d heard=%d slowest=%d share=%d pss=%d streams=%d"
        "\n" % (1e3 * worst, 1e3 * max(seconds), 1e3 * min(heard), 1e3 *
        max(heard), 1e6 * share, sum(pss) / len(pss), len(pss)))
EOF
worst=9999 second=0 heard=999 slowest=0 share=9999999 pss=999999 streams=0
figures bell.py
# The target is 1.1 s, but who was not let run for a second was not let run here.
ok 'P15 a lost bell costs a second' \
    [ "$worst" -le $((3 * second / 2 + 10 * slowest)) ]
ok 'P15 and the bell saves most of it' [ "$heard" -le $((second / 3)) ]
is 'P16 those who have caught up share one process' 1 "$streams"
if [ -n "${TACK_SANITIZE:-}" ]; then
	skip 'P15, P16 costs' 'the build is sanitized'
else
	ok 'P15 an idle subscriber takes 0.1 % of a CPU at most' \
	    [ "$share" -le 1000 ]
	ok 'P16 which takes 4 MiB at most' [ "$pss" -le 4096 ]
fi

if [ -n "${TACK_SANITIZE:-}" ]; then
	skip 'P16 stuck readers' 'the build is sanitized'
	done_testing
	exit
fi
rm -f tack.db* figures
tack-init
cat >stuck.py <<'EOF'
"""One who stopped reading, one who reads a byte a second: stuck.py soak fast

fast, if not 1, is how many times as fast the server's clock runs."""
import sqlite3, sys, threading, time
from peer import *

soak, fast = float(sys.argv[1]), int(sys.argv[2])
before = [] if fast == 1 else ["faketime", "-f", "+0 x%d" % fast]
server, spared = Server(before=before), Server(before=before)
over, sent, wal, n, stalls = threading.Event(), [], [0], [0], []

def writer():
    """Events of 2 kB, some 100 a second."""
    p = subprocess.Popen(["tack-status"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True)
    while not over.is_set():
        n[0] += 1
        p.stdin.write(json.dumps({"event": "e", "build": {"status":
            "cancelled", "error": "x" * 2000}, "ref": {"knot": "k",
            "pipeline_rkey": "%d" % n[0], "workflow": "w", "pipeline_uri":
            "at://did:web:k/sh.tangled.pipeline/%d" % n[0]}}) + "\n")
        p.stdin.flush()
        cursor = int(json.loads(p.stdout.readline())["cursor"])
        sent.append((cursor, time.monotonic()))
        wal[0] = max(wal[0], os.path.getsize("tack.db-wal"))
        time.sleep(.005)
    p.stdin.close()
    p.wait()

def healthy(of, seen):
    peer = Subscriber(of.port)
    while not over.is_set():
        for text in peer.feed():
            seen.append((int(text[11:30]), time.monotonic()))
    peer.close()

def dropped(slow, spans, small):
    """Until the server is done with us, in seconds of its clock."""
    start = time.monotonic()
    peer = Subscriber(server.port, receive=4096 if small else None)
    while not over.is_set():
        if slow:
            try:
                if not peer.socket.recv(1):
                    break
            except OSError:
                break
        if time.monotonic() - start > PATIENCE:
            return
        # The server has let go when nothing of it is bound to our port.
        port = peer.socket.getsockname()[1]
        if not mine(port):
            break
        tick = time.monotonic()
        time.sleep(1 / fast)
        stalls.append(time.monotonic() - tick - 1 / fast)
    ends.append(time.monotonic())
    spans.append((ends[-1] - start) * fast)
    peer.close()

def mine(port):
    """Does the server's end of a connection live?"""
    with open("/proc/net/tcp") as f:
        for line in f:
            words = line.split()
            if words[1].endswith(":%04X" % server.port) and \
                words[2].endswith(":%04X" % port):
                return words[3] == "01"
    return False

def latencies(seen, since, until):
    told = dict(sent)
    return [at - told[c] for c, at in seen if c in told and
        since <= told[c] < until]

server.wait()
spared.wait()
# History enough to fill every buffer on the way to who does not read.
history = subprocess.run(["tack-status"], input="".join(json.dumps({"event":
    "e", "build": {"status": "cancelled", "error": "y" * 2000}, "ref":
    {"knot": "k", "pipeline_rkey": "h%d" % i, "workflow": "w", "pipeline_uri":
    "at://did:web:k/sh.tangled.pipeline/h%d" % i}}) + "\n"
    for i in range(8000)), text=True, stdout=subprocess.DEVNULL, check=True)
seen, control, spans, ends = [], [], [], []
threads = [threading.Thread(target=writer), threading.Thread(target=healthy,
    args=(server, seen)), threading.Thread(target=healthy, args=(spared,
    control))]
[t.start() for t in threads]
calm = time.monotonic() + 1
time.sleep(1 + soak / 4)
begin = time.monotonic()
stuck = [threading.Thread(target=dropped, args=(slow, spans, small))
    for slow in (False, True) for small in (False, True)]
[t.start() for t in stuck]
pss = 0
while time.monotonic() < begin + 30 / fast * .8:
    time.sleep(.5)
    for pid in [server.pid()]:
        with open("/proc/%d/smaps_rollup" % pid) as f:
            pss = max(pss, *[int(line.split()[1]) for line in f
                if line.startswith("Pss:")])
[t.join() for t in stuck]
gone = time.monotonic()
time.sleep(max(0, soak - (gone - calm)))
over.set()
[t.join() for t in threads]
server.stop()
spared.stop()
p99 = lambda some: 1e3 * percentile(some, .99)
p50 = lambda some: 1e3 * percentile(some, .5)
quiet = latencies(seen, calm, begin)
# Of what they were sent they took nothing for 30 s before the end.
since = min(max(ends) - 29 / fast, min(ends) - 1)
harmed, floor = (latencies(some, since, min(ends))
    for some in (seen, control))
lost = len(set(c for c, _ in sent[5:-50]) - set(c for c, _ in seen))
note("P16: stuck readers, and of a byte a second: let go after %s s%s" %
    (", ".join("%.1f" % s for s in sorted(spans)), "" if fast == 1 else
    " of a clock %d times as fast" % fast))
note("P16: %d events of 2 kB to who reads: p50 %.2f ms, p99 %.2f ms before"
    " the stuck; %.2f, %.2f ms with them, and %.2f, %.2f ms from a server"
    " beside; p99 ratio %.2f; %d lost" % (len(seen), p50(quiet), p99(quiet),
    p50(harmed), p99(harmed), p50(floor), p99(floor), p99(harmed) / p99(floor),
    lost))
note("P16: WAL %.1f MiB at most in %.0f s; tack-http %.1f MiB with 4 stuck" %
    (wal[0] / 2 ** 20, time.monotonic() - calm, pss / 1024))
with open("figures", "w") as f:
    f.write("first=%d last=%d stall=%d let_go=%d ratio=%d wal=%d lost=%d\n" %
        (10 * min(spans), 10 * max(spans), 10 * fast * max(stalls), len(spans),
        100 * min(p50(harmed) / p50(floor), p99(harmed) / p99(floor)),
        wal[0] / 1024, lost))
EOF
fast=1
if [ -z "${TACK_LONG:-}" ]; then
	fast=10
	command -v faketime >/dev/null || fast=1
fi
first=0 last=9999 stall=0 let_go=0 ratio=9999 wal=99999 lost=-1
figures stuck.py "$soak" "$fast"
is 'P16 both are let go of' 4 "$let_go"
# A fast clock makes much of little, and so does a machine that let us wait.
ok 'P16 after 30 s, not before' [ "$first" -ge $((300 - 3 * fast)) ]
ok 'P16 and after 35, more or less' \
    [ "$last" -le $((340 + 10 * fast + 5 * stall)) ]
is 'P16 who reads misses nothing' 0 "$lost"
ok 'P16 the WAL stays below 8 MiB' [ "$wal" -le 8192 ]
# The target is 1.2 for the p99. Of so few seconds one of p50 and p99 may be an
# accident; who is harmed waits longer by both.
ok 'P16 and who reads hardly waits longer than beside' [ "$ratio" -le 300 ]
done_testing
