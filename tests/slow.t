#!/bin/sh
# SPDX-License-Identifier: ISC
# Dribblers do not stop honest senders: P11.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
last=4 every=.1
[ -z "${TACK_LONG:-}" ] || last=60 every=.25

if ! command -v slowhttptest >/dev/null; then
	skip P11 'no slowhttptest'
	done_testing
	exit
fi
tack-init
cat >slow.py <<'EOF'
"""500 who dribble, and one honest sender: slow.py seconds every"""
import sys, time
from peer import *

last, every, LEAST, CAP = float(sys.argv[1]), float(sys.argv[2]), 10, 250
server, n, bad, spans = Server("-m", "256"), 0, 0, []
server.wait()

def honest(until, spans):
    global n, bad
    while time.monotonic() < until:
        n += 1
        start = time.monotonic()
        bad += post(server.port, webhook(str(n), "running")) != 200
        spans.append(time.monotonic() - start)
        time.sleep(max(0, every - spans[-1]))

alone, most = [], 0
honest(time.monotonic() + 2, alone)
url = "http://127.0.0.1:%d/webhooks/buildkite" % server.port
for what, args in (("heads", ["-H", "-i", "1"]), ("bodies", ["-B", "-i", "1",
    "-s", "8192"]), ("readers", ["-X", "-w", "1", "-y", "2", "-n", "1", "-z",
    "1"])):
    mine, p, until, still = [], None, time.monotonic() + last + .5, Still()
    # A slow machine has as long as it takes to come to something.
    while time.monotonic() < until or len(mine) < LEAST or \
            (most < CAP and not still()):
        if p is None or p.poll() is not None:  # all are refused: again
            p = subprocess.Popen(["slowhttptest", "-c", "500", *args, "-r",
                "500", "-l", str(int(last + 1)), "-p", "3", "-u", url],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(.5)
        honest(time.monotonic() + 1, mine)
        most = max(most, len(os.listdir("/proc/%d/fd" % server.pid())))
    kill(p.pid)
    p.wait()
    spans += mine
    note("P11: 500 slow %s: %d honest webhooks, p50 %.1f ms, p99 %.1f ms" %
        (what, len(mine), 1e3 * percentile(mine, .5),
        1e3 * percentile(mine, .99)))
note("P11: all: %d of %d honest webhooks turned away; p99 %.1f ms, alone"
    " %.1f ms; tack-http had %d descriptors at most" % (bad, n, 1e3 *
    percentile(spans, .99), 1e3 * percentile(alone, .99), most))
server.stop()
with open("figures", "w") as f:
    f.write("bad=%d p99=%d alone=%d most=%d\n" % (bad, 1e3 *
        percentile(spans, .99), 1e3 * percentile(alone, .99), most))
EOF
bad=-1 p99=99999 alone=0 most=0
figures slow.py "$last" "$every"
is 'P11 500 dribblers, and no honest webhook is turned away' 0 "$bad"
ok 'P11 nor does it wait longer than a second, and ten times what it does alone' \
    [ "$p99" -le $((1000 + 10 * alone)) ]
ok 'P11 and the cap was reached' [ "$most" -ge 250 ]
grep -c evicted server.log | sed 's/^/# P11: dribblers evicted: /'
done_testing
