#!/bin/sh
# SPDX-License-Identifier: ISC
# Dribblers do not stop honest senders: P11.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
last=4 every=.1
[ -z "${TACK_LONG:-}" ] || last=60 every=.25

if ! command -v slowhttptest >/dev/null; then
	ok 'P11 # SKIP no slowhttptest' true
	done_testing
	exit
fi
tack-init
cat >slow.py <<'EOF'
"""500 who dribble, and one honest sender: slow.py seconds every"""
import sys, time
from peer import *

last, every = float(sys.argv[1]), float(sys.argv[2])
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
    mine, p, until = [], None, time.monotonic() + last + .5
    while time.monotonic() < until:
        if p is None or p.poll() is not None:  # all are refused: again
            p = subprocess.Popen(["slowhttptest", "-c", "500", *args, "-r",
                "500", "-l", str(int(last + 1)), "-p", "3", "-u", url],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(.5)
        honest(min(until, time.monotonic() + 1), mine)
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
    f.write("sent=%d bad=%d p99=%d most=%d\n" % (len(spans), bad, 1e3 *
        percentile(spans, .99), most))
EOF
timeout 1200 /usr/bin/python3 slow.py "$last" "$every" 2>log
sent=0 bad=-1 p99=9999 most=0
# shellcheck disable=SC1091
. ./figures
ok 'P11 there were honest senders' [ "$sent" -gt 20 ]
is 'P11 500 dribblers, and no honest webhook is turned away' 0 "$bad"
ok 'P11 nor does it wait longer than a second' [ "$p99" -le 1000 ]
ok 'P11 and the cap was reached' [ "$most" -ge 250 ]
grep -c evicted server.log | sed 's/^/# P11: dribblers evicted: /'
done_testing
