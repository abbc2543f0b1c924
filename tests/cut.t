#!/bin/sh
# SPDX-License-Identifier: ISC
# What is acknowledged is on disk, whatever is killed or cut off: P1.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
py=/usr/bin/python3
cuts=1000 traces=1 deaths=150
[ -z "${TACK_LONG:-}" ] || cuts=2500 traces=20 deaths=10000
seed=${TACK_SEED:-$(date +%s)}
note "P1: seed $seed"

cat >kills.py <<'EOP'
"""Webhooks while everything is killed: kills.py deaths seed"""
import random, sqlite3, sys, threading, time
from peer import *

deaths, rng = int(sys.argv[1]), random.Random(int(sys.argv[2]))
server, over, acknowledged, tries = Server(), threading.Event(), [], [0]

def sender(i):
    j = 0
    while not over.is_set():
        build = "%d0%04d" % (i + 1, j)
        for state in STATES:
            while True:
                tries[0] += 1
                if post(server.port, webhook(build, state)) == 200:
                    acknowledged.append((build, STATUS[state]))
                    break
                if over.is_set():
                    return
        j += 1

def going(n):
    """Are so many acknowledged? A slow machine gets there, too."""
    if server.process.poll() is not None:
        server.start()
    return len(acknowledged) >= n

def whole():
    with sqlite3.connect("file:tack.db?mode=ro", uri=True) as db:
        return db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"

server.wait()
senders = [threading.Thread(target=sender, args=(i,), daemon=True)
    for i in range(8)]
[s.start() for s in senders]
checks, broken, died = 0, 0, {}
for i in range(1, deaths + 1):
    time.sleep(rng.random() * .03)
    until("as many are acknowledged as have died", lambda: going(i))
    victim = rng.choice([server.process.pid] + children(server.process.pid))
    what = name(victim)
    kill(victim)
    died[what] = died.get(what, 0) + 1
    if victim == server.process.pid:
        server.process.wait()
        server.start()
    if i % 50 == 0:
        checks += 1
        broken += not whole()
over.set()
server.process.poll() is not None and server.start()
[s.join() for s in senders]
server.stop()
with sqlite3.connect("file:tack.db?mode=ro", uri=True) as db:
    log = [(pipeline.rsplit("/r", 1)[1], status) for pipeline, status in
        db.execute("SELECT event ->> 'pipeline', event ->> 'status'"
        " FROM event ORDER BY created")]
lost = len(set(acknowledged) - set(log))
lives = {}
for build, status in log:
    lives.setdefault(build, []).append(status)
wrong = sum(life != ["pending", "running", "success"][:len(life)]
    for life in lives.values())
note("P1: %d killed (%s), %d webhooks tried, %d acknowledged, %d lost;"
    " %d of %d integrity checks failed; %d of %d builds not told once and in"
    " order" % (deaths, ", ".join("%d %s" % (n, what) for what, n in
    sorted(died.items())), tries[0], len(acknowledged), lost, broken, checks,
    wrong, len(lives)))
with open("figures", "w") as f:
    f.write("acknowledged=%d lost=%d broken=%d checks=%d wrong=%d\n" %
        (len(acknowledged), lost, broken, checks, wrong))
EOP

cat >record.py <<'EOP'
"""A day of the database, recorded: record.py shim trace builds kill"""
import struct, subprocess, sys, threading
from peer import *

shim, trace, builds, kills = sys.argv[1:]
env = dict(os.environ, LD_PRELOAD=shim, CUT_TRACE=trace,
    CUT_DB=os.path.realpath("tack.db"))
if kills != "0":
    env["CUT_KILL"] = kills

def subscribe():
    """What a subscriber has seen is told, too."""
    for line in reader.stdout:
        tell(line)

def tell(text):
    os.write(told, struct.pack("=IIiIq", ord("a"), 0, 1, len(text), 0) + text)

def by_hand(build, state):
    body = json.loads(webhook(build, state))
    record = json.dumps({"provider": "buildkite", "event": body["event"],
        "payload": body}) + "\n"
    while True:
        out = subprocess.run(["sh", "-c", "tack-resolve | tack-status"],
            input=record, text=True, capture_output=True, env=env).stdout
        if '"outcome"' in out:
            return
        if alone and int(kills):
            tell(subprocess.run(["tack-events"], capture_output=True,
                env=env).stdout)

def sender(i):
    for j in range(int(builds) // 8):
        build = "%d0%04d" % (i + 1, j)
        for state in STATES:
            if i == 7:
                by_hand(build, state)
                continue
            while post(server.port, webhook(build, state)) != 200:
                pass

alone = False
told = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
reader = subprocess.Popen(["tack-events", "-f"], stdout=subprocess.PIPE)
threading.Thread(target=subscribe).start()
server = Server(env=env)
server.wait()
senders = [threading.Thread(target=sender, args=(i,)) for i in range(8)]
[s.start() for s in senders]
[s.join() for s in senders]
server.stop()
kill(reader.pid)
reader.wait()
# Alone, each is the last to close: the WAL comes and goes.
alone = True
for j in range(int(builds) // 4):
    for state in STATES:
        by_hand("90%04d" % j, state)
EOP

# Record a trace with the shim's variables, then cut: trace name builds kill.
trace() {
	rm -f tack.db*
	tack-init
	cp tack.db "$1"
	within "$py" record.py "$PWD/cut.so" "$PWD/$1.trace" "$2" "$3" \
	    2>trace.log
	rm -f "$1.end"
	sqlite3 -readonly tack.db "VACUUM INTO '$1.end'"
}

cut() {
	lost=-1 corrupt=-1 torn=-1 told=0
	rm -f cut.figures
	within "$py" "$TOP/tests/cut.py" "$1" "$2" "$3" "$seed" \
	    ${4:+"$4"} 2>&1
	# shellcheck disable=SC1091
	[ ! -e cut.figures ] || . ./cut.figures
}

# Traces and cuts of them, all that is wrong added up: many name builds kill.
many() {
	all_lost=0 all_corrupt=0 all_torn=0 round=0
	while [ "$round" -lt "$traces" ]; do
		round=$((round + 1))
		rm -f "$1.trace"
		trace "$@"
		cut "$1" "$1.trace" "$cuts"
		all_lost=$((all_lost + lost))
		all_corrupt=$((all_corrupt + corrupt))
		all_torn=$((all_torn + torn))
	done
	lost=$all_lost corrupt=$all_corrupt torn=$all_torn
	[ "$traces" -eq 1 ] ||
		note "P1: $((traces * cuts)) cuts of $traces traces ($1):" 		    "$lost lost, $corrupt corrupt, $torn torn"
}

tack-init
acknowledged=0 lost=-1 broken=-1 wrong=-1
figures kills.py "$deaths" "$seed"
ok 'P1 webhooks were acknowledged between the deaths' [ "$acknowledged" -gt 50 ]
is 'P1 what was acknowledged outlives the death of anything' 0 "$lost"
is 'P1 the database stays whole' 0 "$broken"
is 'P1 and each build is told of once, in order' 0 "$wrong"

if [ -n "${TACK_SANITIZE:-}" ]; then
	skip 'P1 power cuts' 'the build is sanitized'
	done_testing
	exit
fi
ok 'the recorder builds' "${CC:-cc}" -std=c11 -D_GNU_SOURCE -Wall -Wextra \
    -Werror -shared -fPIC -O1 -o cut.so "$TOP/tests/cut.c"
rm -f tack.db*
LD_PRELOAD=$PWD/cut.so CUT_DB=$PWD/tack.db CUT_TRACE=$PWD/init.trace tack-init
made=$(sqlite3 -readonly tack.db 'PRAGMA user_version')
"$py" -c 'import struct, sys
told = sys.argv[1].encode()
sys.stdout.buffer.write(struct.pack("=IIiIq", ord("a"), 0, 1, len(told), 0) +
    told)' "$made" >>init.trace
cut none init.trace $((cuts / 10)) init
is 'P1 power cuts of tack-init: it makes the database the next time' '0 0 0' \
    "$lost $corrupt $torn"
export CUT_CHECKPOINT=40
many plain 64 0
is 'P1 power cuts: nothing acknowledged is lost' 0 "$lost"
is 'P1 nothing is corrupt or torn' '0 0' "$corrupt $torn"
ok 'P1 and much was told by then' [ "$told" -gt 150 ]
cut plain plain.trace 100 lie
ok 'a disk that lies about syncs loses, and we see it' [ "$lost" -gt 20 ]

many kill 48 12
is 'P1 processes die, then the power: nothing acknowledged is lost' 0 "$lost"
is 'P1 nor corrupt or torn' '0 0' "$corrupt $torn"

export CUT_SYNC=NORMAL
trace normal 32 0
cut normal normal.trace 200
ok 'synchronous=NORMAL loses, and we see it' [ "$lost" -gt 5 ]
export CUT_SYNC=OFF
trace off 32 0
cut off off.trace 200
ok 'synchronous=OFF loses, and we see it' [ "$lost" -gt 20 ]
done_testing
