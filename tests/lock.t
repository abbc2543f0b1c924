#!/bin/sh
# SPDX-License-Identifier: ISC
# Writers queue, and never write without the lock: P17, P18.
. "$(dirname "$0")/lib.sh"

tack-init
seq 300 | jq -c '{provider: "buildkite", event: "build.scheduled",
    payload: {build: {id: "u\(.)", state: "scheduled", meta_data:
    {"tack:knot": "k", "tack:pipeline_rkey": "r\(.)", "tack:workflow": "w"}}}}' >in

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null &&
    [ -z "${TACK_SANITIZE:-}" ]; then
	strace -qq -y -o resolve.trace tack-resolve <in >resolved
	strace -qq -y -o status.trace tack-status <resolved >/dev/null
	cat resolve.trace status.trace | awk '
		/^flock\(.*LOCK_EX.*= 0/ { held = 1 }
		/^flock\(.*LOCK_UN/ { held = 0 }
		/^(pwrite64|write|ftruncate|fallocate)\([0-9]+<[^>]*tack\.db(-wal)?>/ {
			if (held) inside++; else outside++
		}
		END { print inside + 0, outside + 0 }' >writes
	read -r inside outside <writes
	note "P18: $inside writes to database and WAL with the lock, $outside without"
	is 'P18 no write to the database or its WAL is without the lock' 0 \
	    "$outside"
	ok 'P18 and there were writes to see' [ "$inside" -gt 100 ]
	commits=$(grep -c 'LOCK_EX' status.trace)
	note "300 records at hand took $commits turns of the lock"
	ok 'a burst is one commit, not one a record' [ "$commits" -le 30 ]
	ok 'the doorbell is rung' grep -q '^futex.*FUTEX_WAKE,' status.trace
	is 'after the commit' 0 \
	    "$(awk '/LOCK_UN/ { free = 1 } /LOCK_EX.*= 0/ { free = 0 }
		/^futex.*FUTEX_WAKE,/ && !free { bad++ } END { print bad + 0 }' status.trace)"
else
	skip P18 'strace is missing, or the build is sanitized'
fi

mkfifo gate
flock tack.db-lock sh -c 'echo held >taken; read -r _ <gate' &
until_ok test -s taken
echo '{"event":"e","build":{"status":"running"},"ref":{"knot":"k","pipeline_rkey":"r1","workflow":"w","pipeline_uri":"at://x"}}' >one
began=$(ms)
status 'P17 a lock that is not let go is EX_TEMPFAIL' 75 \
    within sh -c 'tack-status <one 2>log'
note "P17: after $(($(ms) - began)) ms of ten seconds"
ok 'and the message says how to find who holds it' grep -q lslocks log
echo >gate
wait

rm -f tack.db* && tack-init
cat >writers.py <<'EOF'
"""32 processes, each committing one record after the other."""
import json, os, subprocess, sys, threading, time

# The floor: what a commit's two pages take on this disk, alone.
alone = []
with open("floor", "wb", buffering=0) as f:
    for _ in range(100):
        t = time.monotonic()
        f.write(bytes(8192))
        os.fdatasync(f.fileno())
        alone.append(time.monotonic() - t)

each, spans, bad = 60, [[] for _ in range(32)], []
def writer(i):
    p = subprocess.Popen(["tack-status"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
    for j in range(each):
        t = time.monotonic()
        p.stdin.write(json.dumps({"event": "e", "build": {"status": "pending"},
            "ref": {"knot": "k", "pipeline_rkey": "%d-%d" % (i, j),
            "workflow": "w", "pipeline_uri": "at://x"}}) + "\n")
        p.stdin.flush()
        if '"published"' not in p.stdout.readline():
            bad.append(i)
            break
        spans[i].append(time.monotonic() - t)
    p.stdin.close()
    said = p.stderr.read()
    if p.wait() != 0 or said:
        bad.append(i)
        print("#", said.strip())
threads = [threading.Thread(target=writer, args=(i,)) for i in range(32)]
start = time.monotonic()
[t.start() for t in threads]
[t.join() for t in threads]
wall = time.monotonic() - start
every = sorted(s for mine in spans for s in mine)
whole = sorted(sum(mine) for mine in spans)
print("# P17: 8 KiB to this disk: p50 %.1f ms, p99 %.1f ms" % (
    1e3 * sorted(alone)[50], 1e3 * sorted(alone)[99]))
print("# P17: 32 writers, %d commits each, %.0f/s; p50 %.1f ms, p99 %.1f ms, "
    "max %.1f ms; fastest/slowest writer %.2f; complaints %d" % (each,
    len(every) / wall, 1e3 * every[len(every) // 2],
    1e3 * every[len(every) * 99 // 100], 1e3 * every[-1],
    whole[0] / whole[-1], len(bad)))
sys.exit(bool(bad) or len(every) != 32 * each)
EOF
/usr/bin/python3 writers.py >figures
result=$?
cat figures
ok 'P17 32 writers at once, and none is turned away' [ "$result" -eq 0 ]
is 'P17 every commit is there' 1920 "$(tack-events | wc -l | tr -d ' ')"
done_testing
