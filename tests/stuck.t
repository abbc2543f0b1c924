#!/bin/sh
# SPDX-License-Identifier: ISC
# A stuck reader harms nobody, and goes; a lost bell costs a second: P15, P16.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
py=/usr/bin/python3
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

def late(reader):
    """From the tool's end to the line; it began at most 100 ms before."""
    told = publish()
    assert select.select([reader.stdout], [], [], 10)[0]
    reader.stdout.readline()
    return time.monotonic() - told

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

server, spans, heard = Server(), {}, []
server.wait()
for how in "removed", "replaced", "absent":
    spans[how] = []
    for _ in range(3 if long_form() else 1):
        if how == "absent":
            mute("removed")
        reader = follow(how == "absent")
        if how != "absent":
            heard.append(late(reader))
            mute(how)
        spans[how] += [late(reader), late(reader)]
        kill(reader.pid)
        reader.wait()
worst = max(max(s) for s in spans.values())
note("P15: bell lost, the news came after %s s at most (%s); with the bell"
    " %.1f ms" % ("%.2f" % worst, ", ".join("%s %.2f" % (how, max(s)) for
    how, s in spans.items()), 1e3 * sorted(heard)[len(heard) // 2]))

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
before = {pid: ran(pid) for pid in pids}
time.sleep(3)
share = sum(ran(pid) - before[pid] for pid in pids) / 3e9 / len(idle)
pss = []
for pid in pids:
    if name(pid) == "tack-events":
        with open("/proc/%d/smaps_rollup" % pid) as f:
            pss += [int(line.split()[1]) for line in f
                if line.startswith("Pss:")]
note("P15: an idle subscriber takes %.3f %% of a CPU, tack-http's share"
    " within" % (100 * share))
note("P16: %d idle subscribers, %.2f MiB PSS each" % (len(pss), sum(pss) /
    len(pss) / 1024))
server.stop()
with open("figures", "w") as f:
    f.write("worst=%d share=%d pss=%d streams=%d\n" % (1e3 * worst,
        1e6 * share, sum(pss) / len(pss), len(pss)))
EOF
timeout 120 "$py" bell.py 2>log
worst=9999 share=9999999 pss=999999 streams=0
# shellcheck disable=SC1091
. ./figures
# The target is 1.1 s; the rest is for a busy machine.
ok 'P15 a lost bell costs a second' [ "$worst" -le 1500 ]
is 'P16 each subscriber is a process' 20 "$streams"
if [ -n "${TACK_SANITIZE:-}" ]; then
	ok 'P15, P16 costs # SKIP the build is sanitized' true
else
	ok 'P15 an idle subscriber takes 0.1 % of a CPU at most' \
	    [ "$share" -le 1000 ]
	ok 'P16 a subscriber costs 4 MiB at most' [ "$pss" -le 4096 ]
fi

if [ -n "${TACK_SANITIZE:-}" ]; then
	ok 'P16 stuck readers # SKIP the build is sanitized' true
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
server = Server(*sys.argv[3:], before=before)
over, sent, wal, n = threading.Event(), [], [0], [0]

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

def healthy(seen):
    peer = Subscriber(server.port)
    while not over.is_set():
        for text in peer.feed():
            seen.append((int(text[11:30]), time.monotonic()))
    peer.close()

def dropped(slow, spans, ready, small):
    """Until the server is done with us, in seconds of its clock."""
    peer = Subscriber(server.port, timeout=90, receive=4096 if small else
        None)
    ready.wait()
    start = time.monotonic()
    while not over.is_set():
        if slow:
            try:
                if not peer.socket.recv(1):
                    break
            except OSError:
                break
        if time.monotonic() - start > 60 / fast:
            break
        # The server has let go when nothing of it is bound to our port.
        port = peer.socket.getsockname()[1]
        if not mine(port):
            break
        time.sleep(1 / fast)
    spans.append((time.monotonic() - start) * fast)
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
# History enough to fill every buffer on the way to who does not read.
history = subprocess.run(["tack-status"], input="".join(json.dumps({"event":
    "e", "build": {"status": "cancelled", "error": "y" * 2000}, "ref":
    {"knot": "k", "pipeline_rkey": "h%d" % i, "workflow": "w", "pipeline_uri":
    "at://did:web:k/sh.tangled.pipeline/h%d" % i}}) + "\n"
    for i in range(8000)), text=True, stdout=subprocess.DEVNULL, check=True)
seen, spans, ready = [], [], threading.Event()
threads = [threading.Thread(target=writer), threading.Thread(target=healthy,
    args=(seen,))]
[t.start() for t in threads]
calm = time.monotonic() + 1
time.sleep(1 + soak / 4)
begin = time.monotonic()
stuck = [threading.Thread(target=dropped, args=(slow, spans, ready, small))
    for slow in (False, True) for small in (False, True)]
[t.start() for t in stuck]
ready.set()
pss = 0
while time.monotonic() < begin + 30 / fast * .8:
    time.sleep(.5)
    for pid in [server.pid()]:
        with open("/proc/%d/smaps_rollup" % pid) as f:
            pss = max(pss, *[int(line.split()[1]) for line in f
                if line.startswith("Pss:")])
full = time.monotonic()
[t.join() for t in stuck]
gone = time.monotonic()
time.sleep(max(0, soak - (gone - calm)))
over.set()
[t.join() for t in threads]
server.stop()
p99 = lambda some: 1e3 * percentile(some, .99)
p50 = lambda some: 1e3 * percentile(some, .5)
quiet, harmed = latencies(seen, calm, begin), latencies(seen, begin + 1, full)
lost = len(set(c for c, _ in sent[5:-50]) - set(c for c, _ in seen))
note("P16: stuck readers, and of a byte a second: let go after %s s%s" %
    (", ".join("%.1f" % s for s in sorted(spans)), "" if fast == 1 else
    " of a clock %d times as fast" % fast))
note("P16: %d events of 2 kB to who reads: p50 %.2f ms, p99 %.2f ms without"
    " the stuck; %.2f, %.2f ms with; p99 ratio %.2f; %d lost" % (len(seen),
    p50(quiet), p99(quiet), p50(harmed), p99(harmed), p99(harmed) / p99(quiet),
    lost))
note("P16: WAL %.1f MiB at most in %.0f s; tack-http %.1f MiB with 4 stuck" %
    (wal[0] / 2 ** 20, time.monotonic() - calm, pss / 1024))
with open("figures", "w") as f:
    f.write("first=%d last=%d let_go=%d ratio=%d wal=%d lost=%d http=%d\n" %
        (10 * min(spans), 10 * max(spans), len(spans), 100 * p99(harmed) /
        p99(quiet), wal[0] / 1024, lost, pss))
EOF
fast=1
if [ -z "${TACK_LONG:-}" ]; then
	fast=10
	command -v faketime >/dev/null || fast=1
fi
timeout 900 "$py" stuck.py "$soak" "$fast" 2>>log
first=0 last=9999 let_go=0 ratio=9999 wal=99999 lost=-1
# shellcheck disable=SC1091
. ./figures
is 'P16 both are let go of' 4 "$let_go"
if [ "$fast" -eq 1 ]; then
	ok 'P16 after 30 to 35 s' sh -c "[ $first -ge 295 ] && [ $last -le 350 ]"
else
	ok 'P16 after 30 to 35 s, more or less, of a fast clock' \
	    sh -c "[ $first -ge 270 ] && [ $last -le 450 ]"
fi
is 'P16 who reads misses nothing' 0 "$lost"
ok 'P16 the WAL stays below 8 MiB' [ "$wal" -le 8192 ]
# The target is 120; a busy machine makes a p99 of a second or two jump.
ok 'P16 and who reads hardly waits longer' [ "$ratio" -le 300 ]
done_testing
