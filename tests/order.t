#!/bin/sh
# SPDX-License-Identifier: ISC
# Deliveries repeated, reordered, and ahead of their mapping: P2, P3, P5.
. "$(dirname "$0")/lib.sh"

tack-init
cat >order.py <<'EOF'
"""Every permutation of a build's deliveries, against what is true of it."""
import itertools, json, sqlite3, subprocess, sys

def view(status, start=None, end=None, held=False):
    build = {"id": "u", "status": status}
    at = lambda s: "2026-08-22 10:%02d:%02d UTC" % divmod(s, 60)
    if start is not None:
        build["started_at"] = at(start)
    if end is not None:
        build["finished_at"] = at(end)
    if held:
        build["blocked"] = "true"
    return (status, start, end, held, build)

P, R, F, S, C = "pending", "running", "failed", "success", "cancelled"
lives = {
    "passed": [view(P), view(R, 5), view(S, 5, 9)],
    "passed, all twice": [view(P)] * 2 + [view(R, 5)] * 2 + [view(S, 5, 9)] * 2,
    "canceled": [view(P), view(R, 5), view(R, 5), view(C, 5, 7)],
    "skipped": [view(P), view(P), view(C)],
    "retried, passed": [view(P), view(R, 5), view(R, 5), view(F, 5, 9),
        view(R, 10), view(S, 10, 19), view(S, 10, 19)],
    "retried at once": [view(P), view(R, 5), view(F, 5, 9), view(R, 9),
        view(S, 9, 12)],
    "still retrying": [view(P), view(R, 5), view(F, 5, 9), view(R, 10)],
    "retried, failed": [view(P), view(R, 5), view(F, 5, 9), view(R, 10),
        view(F, 10, 19), view(F, 10, 19)],
    "retried twice": [view(R, 5), view(F, 5, 9), view(R, 10), view(F, 10, 19),
        view(R, 20), view(S, 20, 29)],
    "retried, canceled": [view(P), view(R, 5), view(F, 5, 9), view(R, 10),
        view(C, 10, 12)],
    "gate, passed": [view(P), view(R, 5), view(R, 5, 6, True), view(R, 5),
        view(S, 5, 16)],
    "gate says failed": [view(P), view(R, 5), view(F, 5, 6, True),
        view(R, 5), view(S, 5, 16)],
    "waits at the gate": [view(P), view(R, 5), view(F, 5, 6, True)],
}

def record(name, build, event):
    return json.dumps({"event": event, "build": build, "ref": {"knot": "k",
        "pipeline_rkey": "r", "workflow": name,
        "pipeline_uri": "at://did:web:k/sh.tangled.pipeline/r"}})

def run(lines):
    out = subprocess.run(["tack-status"], input="\n".join(lines) + "\n",
        text=True, capture_output=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]

def stands():
    with sqlite3.connect("file:tack.db?mode=ro", uri=True) as db:
        return {row[0]: row[1:] for row in
            db.execute("SELECT workflow, status, ask FROM status")}

sent, truth = [], {}
for life, views in lives.items():
    for i, order in enumerate(itertools.permutations(views)):
        name = "%s %d" % (life, i)
        truth[name] = views[-1]
        sent += [(name, v) for v in order]
out = run([record(name, v[4], "build.any") for name, v in sent])

regressed, last = 0, {}
for (name, v), rec in zip(sent, out):
    if rec["outcome"] != "published":
        continue
    was = last.get(name)
    if was and was[0] in (F, S, C) and v[0] in (P, R):
        real = was[3] or (v[1] is not None and was[2] is not None
            and v[1] >= was[2])
        regressed += not real
    last[name] = v

now = stands()
at_once = sum(now[n][0] == truth[n][0] for n in truth)
lost = [n for n in truth if now[n][0] != truth[n][0] and not now[n][1]]
run([record(n, truth[n][4], "poll") for n in truth if now[n][1]])
healed = stands()
wrong = [n for n in truth if healed[n] != (truth[n][0], 0)]
print("# P3: %d orders of %d deliveries; right at once %d, by asking %d, "
    "wrong %d; final states undone %d" % (len(truth), len(sent), at_once,
    len(truth) - at_once - len(lost), len(wrong) + len(lost), regressed))
print("# wrong: %s" % (lost + wrong)[:5] if lost or wrong else "")
sys.exit(len(out) != len(sent) or regressed > 0 or bool(lost or wrong))
EOF
/usr/bin/python3 order.py >figures
result=$?
grep P3 figures
ok 'P3 every order ends where the build did, after one poll at the latest' \
    sh -c "cat figures; exit $result"

deliveries() {
	jq -c '{provider: "buildkite", event, payload: .}' \
	    "$DATA/buildkite/webhook-build-$1.json"
}

states() {
	tack-events | jq -c .event.status | tr '\n' ' '
	sqlite3 -readonly tack.db 'SELECT provider, build_id, knot,
	    pipeline_rkey, workflow, number, org, pipeline FROM build'
}

rm -f tack.db*
tack-init
for name in scheduled running finished-passed; do
	deliveries "$name" | tack-resolve | tack-status >/dev/null
done
once=$(states)
rm -f tack.db*
tack-init
copies=0
for name in scheduled running finished-passed; do
	deliveries "$name" >one
	pids=''
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 \
	    17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32; do
		j=0
		while [ "$j" -lt $((i * 3)) ]; do
			cat one
			j=$((j + 1))
		done | tack-resolve 2>>log | tack-status >>out.$i 2>>log &
		pids="$pids $!"
		copies=$((copies + i * 3))
	done
	# shellcheck disable=SC2086
	wait $pids
done
note "P2: 3 deliveries sent $copies times by 32 at once"
is 'P2 the log and the mapping are those of one delivery each' \
    "$once" "$(states)"
is 'P2 each of them came out with an outcome' "$copies" \
    "$(cat out.* | jq -c 'select(.outcome)' | wc -l | tr -d ' ')"
ok 'P2 and nobody complained' [ ! -s log ]

rm -f tack.db*
tack-init
total=1000
seq "$total" | jq -c '{provider: "buildkite", event: "build.scheduled",
    payload: {event: "build.scheduled", build: {id: "u\(.)", number: .,
    state: "scheduled", url: "https://api.buildkite.com/v2/organizations/o/pipelines/p/builds/\(.)",
    meta_data: {"tack:knot": "k", "tack:pipeline_rkey": "r\(.)",
    "tack:workflow": "w"}}}}' >race
# The rows come from the other end, so that the two meet in the middle.
seq "$total" -1 1 | while read -r i; do
	echo "INSERT INTO build (provider, build_id, knot, pipeline_rkey,
	    workflow) VALUES ('buildkite', 'u$i', 'k', 'r$i', 'w')
	    ON CONFLICT DO UPDATE SET build_id = excluded.build_id;"
done >rows.sql
flock tack.db-lock true
sqlite3 -cmd '.timeout 600000' tack.db <rows.sql &
rows=$!
tack-resolve <race 2>log | tack-status >out
wait "$rows"
note "P5: $total races, $(jq -r .outcome out | sort | uniq -c | tr '\n' ' ')"
is 'P5 every webhook that raced its row is resolved' "$total" \
    "$(jq -c 'select(.outcome == "published")' out | wc -l | tr -d ' ')"
is 'P5 one row each, and whole' "$total|$total|$total" \
    "$(sqlite3 -readonly tack.db "SELECT count(*), count(build_id), count(org) FROM build")"
is 'the database is whole' ok "$(sqlite3 tack.db 'PRAGMA integrity_check')"
done_testing
