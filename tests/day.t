#!/bin/sh
# SPDX-License-Identifier: ISC
# A day in little time: what is lost, repeated, late, and restarted: P32.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
builds=2000
[ -z "${TACK_LONG:-}" ] || builds=100000
seed=${TACK_SEED:-$(date +%s)}

if ! command -v faketime >/dev/null || [ -n "${TACK_SANITIZE:-}" ]; then
	skip P32 'no faketime, or the build is sanitized'
	done_testing
	exit
fi
# The CI, for tack-poll: a program that answers from the builds of the day.
mkdir -p share/providers/buildkite bin
ln -s "$TOP/share/migrate" share/migrate
cp "$TOP/share/providers/buildkite/provider.json" share/providers/buildkite
cat >share/providers/buildkite/call.jq <<'EOF'
if .answer == null then { exec: ["ci", .verb], input: . }
elif .answer.status == 0 then .answer.body
else { unsure: "ci is down" } end
EOF
cat >bin/ci <<'EOF'
#!/usr/bin/python3
"""ci list|get: of the day's truth, what ended since; or one build."""
import calendar, sys, time
from peer import json, webhook
asked, since = json.load(sys.stdin), 0
if sys.argv[1] == "list":
    since = calendar.timegm(time.strptime(asked["since"][:19],
        "%Y-%m-%dT%H:%M:%S"))
builds = []
with open("truth") as f:
    for line in f:
        build, state, start, end = line.split()
        if int(end) >= since and (sys.argv[1] == "list" or
            build == asked["build"]["id"]):
            builds.append(json.loads(webhook(build, state, None if start ==
                "None" else int(start), int(end))))
print(json.dumps({"builds": builds}))
EOF
chmod +x bin/ci
PATH=$TMP/bin:$PATH TACK_SHARE=$TMP/share
export TACK_SHARE
tack-init
cat >day.py <<'EOF'
"""24 hours of builds, and 4 servers six hours apart: day.py builds seed"""
import queue, random, sqlite3, sys, threading, time
from peer import *

total, rng = int(sys.argv[1]), random.Random(int(sys.argv[2]))
lives = (  # states, with when each attempt started and finished
    (70, (("scheduled", None, None), ("running", 5, None), ("passed", 5, 60))),
    (15, (("scheduled", None, None), ("running", 5, None), ("failed", 5, 60))),
    (5, (("scheduled", None, None), ("canceled", None, 30))),
    (10, (("scheduled", None, None), ("running", 5, None), ("failed", 5, 60),
        ("running", 70, None), ("passed", 70, 90))))
midnight = int(time.time()) // 3600 * 3600
hours, truth, lost, turned = [[] for _ in range(24)], {}, set(), 0
counts = dict(sent=0, lost=0, twice=0, late=0)
for i in range(total):
    life = rng.choices([l for _, l in lives], [w for w, _ in lives])[0]
    hour, build = i * 24 // total, "%d" % (i + 1)
    for state, start, end in life:
        at = midnight + 3600 * hour
        body = webhook(build, state, None if start is None else at + start,
            None if end is None else at + end)
        truth[build] = state, start and at + start, end and at + end, hour
        counts["sent"] += 1
        chance = rng.random()
        if chance < .01:
            counts["lost"] += 1
            lost.add(build)
            continue
        due = hour
        if chance < .06:
            counts["late"] += 1
            due = min(23, hour + rng.randint(1, 6))
        hours[due].append((build, body))
        if chance > .95:
            counts["twice"] += 1
            hours[min(23, due + rng.randint(0, 1))].append((build, body))

def chain(todo):
    """What of one build is sent in one hour is sent in its order."""
    chains = {}
    for build, body in todo:
        chains.setdefault(build, []).append(body)
    return list(chains.items())

def sender(todo):
    global turned
    while True:
        try:
            build, bodies = todo.get_nowait()
        except queue.Empty:
            return
        for body in bodies:
            if post(server.port, body) != 200:  # nobody sends it again
                with guard:
                    turned += 1
                    lost.add(build)

def measure():
    pids = [pid for pid in [server.pid()] + children(server.pid())
        if name(pid).startswith("tack-")]
    rss = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid) as f:
            rss += sum(int(line.split()[1]) for line in f
                if line.startswith("Pss:"))
    fds = sum(len(os.listdir("/proc/%d/fd" % pid)) for pid in pids)
    return fds, rss, os.path.getsize("tack.db-wal") // 1024

def poll(hour):
    """A round of asking, soon after an hour's builds; cron's are more."""
    global healed
    with open("truth", "w") as f:
        for build, (state, start, end, when) in truth.items():
            if when <= hour:
                f.write("%s\t%s\t%s\t%s\n" % (build, state, start, end))
    clock = midnight + 3600 * hour + 120 - int(time.time())
    out = subprocess.run(["faketime", "-f", "%+d" % clock, "sh", "-c",
        "tack-poll | tack-resolve | tack-status"], text=True, check=True,
        stdout=subprocess.PIPE).stdout
    healed += out.count('"published"')

guard, marks, deaths, healed = threading.Lock(), [], 0, 0
begin = time.monotonic()
for hour, todo in enumerate(hours):
    if hour % 6 == 0:
        if hour:
            server.stop()
        clock = midnight + 3600 * hour - int(time.time())
        server = Server(before=["faketime", "-f", "%+d" % clock])
        server.wait()
    line = queue.Queue()
    for item in chain(todo):
        line.put(item)
    senders = [threading.Thread(target=sender, args=(line,))
        for _ in range(16)]
    [s.start() for s in senders]
    if hour in (4, 9, 16, 21):  # a filter, or all of it, dies at work
        while line.qsize() > len(todo) // 4:
            time.sleep(.001)
        pid = server.pid()
        filters = [p for p in children(pid) if name(p).startswith("tack-")]
        kill(rng.choice(filters) if hour % 2 == 0 and filters else pid)
        deaths += 1
        if hour % 2:
            server.process.wait()
            server.start()
    [s.join() for s in senders]
    if hour % 2 or hour == 0:
        poll(hour)
    if hour % 6 in (1, 5):
        server.wait()
        # The last connections go; after six hours until it is as after two.
        mark = measure()
        for i in range(1000):
            if i >= 20 and (hour % 6 == 1 or mark[0] <= marks[-1][0]):
                break
            time.sleep(.02)
            mark = min(mark, measure())
        marks.append(mark)
poll(23)
server.stop()
wall = time.monotonic() - begin
with sqlite3.connect("file:tack.db?mode=ro", uri=True) as db:
    stands = {rkey[1:]: (status, ask) for rkey, status, ask in
        db.execute("SELECT pipeline_rkey, status, ask FROM status")}
    whole = db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
wrong = sum(stands.get(build, (None, 0))[0] != STATUS[state]
    for build, (state, _, _, _) in truth.items())
asks = sum(ask for _, ask in stands.values())
note("P32: seed %s: %d builds, %d webhooks: %d lost, %d late by hours, %d"
    " twice, %d turned away by %d deaths; 4 servers 6 hours apart; %.0f s" %
    (sys.argv[2], total, counts["sent"], counts["lost"], counts["late"],
    counts["twice"], turned, deaths, wall))
note("P32: %.3f %% right; %d wrong; %d yet to be asked, ten a round; %d statuses that"
    " only asking brought, in 14 rounds, where %d builds had lost a webhook" %
    (100 - 100 * wrong / total, wrong, asks, healed, len(lost)))
note("P32: descriptors, PSS and WAL in KiB after 2 and 6 hours: " +
    ", ".join("%d/%d/%d" % m for m in marks))
early, end = marks[0::2], marks[1::2]
with open("figures", "w") as f:
    f.write("wrong=%d healed=%d whole=%d fds=%d pss=%d wal=%d\n" % (wrong,
        healed, whole, max(b[0] - a[0] for a, b in zip(early, end)),
        max(100 * b[1] // a[1] for a, b in zip(early, end)),
        max(m[2] for m in marks)))
EOF
wrong=-1 healed=0 whole=0 fds=999 pss=999 wal=99999
figures day.py "$builds" "$seed"
is 'P32 every build is right at the end of the day' 0 "$wrong"
ok 'P32 and there was something to heal' [ "$healed" -gt 0 ]
is 'P32 the database is whole' 1 "$whole"
is 'P32 no descriptor is left open' 0 "$fds"
ok 'P32 the WAL stays below 8 MiB' [ "$wal" -le 8192 ]
ok 'P32 memory does not grow' [ "$pss" -le 125 ]
done_testing
