#!/bin/sh
# SPDX-License-Identifier: ISC
# tack-logs before Buildkite, which is played, and before the embedded CI.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/integration/play.sh"

unset TACK_LOCAL_DIR TACK_LOCAL_TIMEOUT TACK_LOCAL_JOBS TACK_LOCAL_SANDBOX \
    TACK_LOCAL_NETWORK TACK_LOCAL_USER
# Builds of root's are nobody's, who has to get here.
chmod 711 "$TMP"
export TACK_DB_PATH="$TMP/tack.db" TACK_BUILDKITE_TOKEN=bkua_test TACK_DEV=1 \
    TACK_BUILDKITE_WEBHOOK_SECRET=secret
tack-init

row() {
	sqlite3 -cmd '.timeout 600000' tack.db "INSERT OR IGNORE INTO build
	    (provider, build_id, number, org, pipeline, knot, pipeline_rkey,
	    workflow) VALUES ($1, 'k.example', '$2', 'w.yml');"
}

stands() {
	sqlite3 -cmd '.timeout 600000' tack.db "INSERT OR REPLACE INTO status
	    (knot, pipeline_rkey, workflow, status, created_at, started_at,
	    finished_at) VALUES ('k.example', '$1', 'w.yml', '$2',
	    $(date +%s)000, -1, -1);"
}

logs() {
	within tack-logs "$@" w.yml
}

said() {
	jq -r 'select(.kind == "data").content' "$@"
}

# start NAME: a build of two jobs, and its row.
start() {
	id=$(curl -s -m "$PATIENCE" -X POST -H 'Authorization: Bearer bkua_test' \
	    -H 'Content-Type: application/json' \
	    -d '{"commit": "f048e22", "branch": "main"}' \
	    "$api/v2/organizations/acme-forge/pipelines/tangled-ci/builds" |
		jq -r '.id + " " + (.number | tostring)')
	number=${id#* } id=${id% *}
	row "'buildkite', '$id', '$number', 'acme-forge', 'tangled-ci'" "$1"
}

# log JOB FILE: more of the log of a job.
log() {
	jq -Rs --argjson job "$1" '{job: $job, text: .}' "$2" >log.json
	direct "log/$id" @log.json
}

said_in() {
	grep -qF -- "$1" "$2"
}

play '{"jobs": ["make", "make test"], "limits": {"org": 1000, "user": 1000,
    "window": 60}}'
start follow
direct "build/$id" '{"state": "running"}'
log 0 "$DATA/buildkite/logs/basic.raw"
begun=$(ms)
for v in 1 2 3 4 5 6 7 8; do
	logs -f k.example follow >follow.$v &
	eval "v$v=\$!"
done
soon 'what Buildkite has of a log is there' said_in '^^^ +++' follow.1
echo 'and more, with bkua_test' >more.txt
log 0 more.txt
/usr/bin/python3 -c 'for i in range(20000): print("line", i, "x" * 100)' >many
log 1 many
soon 'and what it gets' said_in 'and more, with ***' follow.8
direct "build/$id" '{"state": "passed"}'
stands follow success
ended=0
for v in 1 2 3 4 5 6 7 8; do
	eval "wait \$v$v" && ended=$((ended + 1))
done
is 'everybody sees the end of it' 8 "$ended"
logs k.example follow >follow.out
is 'each job is a step' 'make make test' \
    "$(jq -r 'select(.step_status == "start").content' follow.out |
	paste -sd' ' -)"
is 'everybody saw the same lines of a step' 1 \
    "$(for v in out 1 2 3 4 5 6 7 8; do
	jq -c 'select(.step_id == 0)' follow.$v | cksum; done |
	sort -u | wc -l)"
is 'a log of a megabyte that came at once is whole' \
    "$(cksum <many)" "$(jq -r 'select(.step_id == 1 and .kind == "data").content' \
	follow.2 | cksum)"
asked=$(told counts .requests.get) spent=$((($(ms) - begun) / 1000))
note "Buildkite was asked $asked times in $spent s"
# Each would have asked once, and every other second; one has done so.
ok 'and Buildkite was asked by one' test "$asked" -lt $((8 + spent / 2))

start limit
direct "build/$id" '{"state": "running"}'
# As Tangled asks for it.
cat >ws.py <<'EOP'
import asyncio, sys, websockets

async def main():
    try:
        async with websockets.connect(sys.argv[1], max_size=None) as ws:
            async for line in ws:
                print(line, flush=True)
            print(ws.close_code, ws.close_reason, file=sys.stderr)
    except websockets.InvalidStatusCode as e:
        print(e.status_code, file=sys.stderr)

asyncio.run(main())
EOP
tack-http -l 127.0.0.1:0 2>http.err &
http=$!
ws=ws://$(address http.err)/logs/k.example
/usr/bin/python3 ws.py "$ws/follow/w.yml" >ws.out 2>ws.end
ok 'over WebSocket the same lines come' cmp follow.out ws.out
is 'and a proper end' '1000 log stream complete' "$(cat ws.end)"
/usr/bin/python3 ws.py "$ws/none/w.yml" >ws.out 2>ws.end
is 'an unknown run is 404' 404 "$(cat ws.end)"
start live
sqlite3 tack.db "UPDATE build SET build_id = NULL WHERE pipeline_rkey = 'live'"
/usr/bin/python3 ws.py "$ws/live/w.yml" >ws.out 2>ws.end &
client=$!
direct "build/$id" '{"state": "running"}'
log 0 more.txt
sqlite3 tack.db "UPDATE build SET build_id = '$id'
    WHERE pipeline_rkey = 'live'"
soon 'one that has not begun waits, then tells' said_in 'and more' ws.out
direct "build/$id" '{"state": "passed"}'
stands live success
wait $client
is 'to its end' '1000 log stream complete' "$(cat ws.end)"
kill $http
wait $http

start scope
direct "build/$id" '{"state": "passed"}'
stands scope success
direct config '{"tokens": {"bkua_test": {"user": "b",
    "scopes": ["read_builds", "write_builds"], "orgs": null}}}'
status 'a token that may not read logs' 1 \
    within sh -c 'tack-logs k.example scope w.yml >scope.out'
ok 'is told to have the scope' said_in read_build_logs scope.out
direct config '{"tokens": {"bkua_test": {"user": "b", "scopes": ["read_builds",
    "write_builds", "read_build_logs"], "orgs": null}}, "limits": {"org": 1000,
    "user": 1, "window": 60}}'
status 'no requests left: another time' 75 logs k.example limit

# The embedded CI.
if ! command -v git >/dev/null || ! command -v bwrap >/dev/null ||
    ! bwrap --unshare-user --disable-userns --ro-bind / / true 2>/dev/null
then
	skip 'the embedded CI' 'git or bubblewrap is missing, or may not run here'
	done_testing
	exit
fi
git init -q repo
git -C repo -c user.name=tack -c user.email=tack@knot.example \
    commit -q --allow-empty -m one
id=$(jq -nc --arg sha "$(git -C repo rev-parse HEAD)" \
    --arg url "file://$TMP/repo" '{ref: {knot: "k.example",
	pipeline_rkey: "3mtj73ais6k22", workflow: "w.yml", attempt: 1},
    kind: "push", repo: {name: "repo", url: $url}, sha: $sha,
    clone: {skip: true}, env: {CI: "true"}, options: {},
    workflow: {steps: [{name: "hello", command: "echo one; sleep 1; echo two"},
	{name: "bad", command: "printf \"\\\\033[31mno\\\\n\"; exit 3"}]}}' |
	tack-local create | jq -r .build.id)
row "'local', '$id', NULL, NULL, NULL" 3mtj73ais6k22
within tack-logs -f k.example 3mtj73ais6k22 w.yml >local.out
is 'a build of the embedded CI is followed to its end' 0 $?
is 'step by step' 'one two no' \
    "$(jq -r 'select(.step_id > 0 and .kind == "data").content' local.out |
	paste -sd' ' -)"
is 'the first of which is the system'"'"'s' null \
    "$(jq -c 'select(.step_id == 0 and .step_status == "start").step_kind' \
	local.out)"
is 'a step ends with its exit status' '0 3' "$(jq -r \
    'select(.step_status == "end" and .step_id > 0).step_exit' local.out |
    paste -sd' ' -)"
ok 'all have their end' jq -es '(map(select(.step_status == "start")) | length)
    == (map(select(.step_status == "end")) | length)' local.out

# More than an answer may have: 30 MB, and a time before each line.
id=$(jq -nc --arg sha "$(git -C repo rev-parse HEAD)" \
    --arg url "file://$TMP/repo" '{ref: {knot: "k.example",
	pipeline_rkey: "3mtj73ais6k23", workflow: "w.yml", attempt: 1},
    kind: "push", repo: {name: "repo", url: $url}, sha: $sha,
    clone: {skip: true}, env: {CI: "true"}, options: {},
    workflow: {steps: [{name: "big", command: "yes \("x" * 99) |
	head -c 30000000; echo THE ERROR; exit 1"}]}}' |
	tack-local create | jq -r .build.id)
row "'local', '$id', NULL, NULL, NULL" 3mtj73ais6k23
timeout 60 tack-logs -f k.example 3mtj73ais6k23 w.yml >big.out
is 'a log that is longer than an answer may be is followed to its end' 0 $?
rm -rf tack.db-logs
timeout 60 tack-logs k.example 3mtj73ais6k23 w.yml >late.out
is 'and is had afterwards' 0 $?
is 'with its last line' 'THE ERROR THE ERROR' \
    "$(for f in big late; do jq -r 'select(.kind == "data").content' $f.out |
	tail -n 1; done | paste -sd' ' -)"
size=$(tack-local steps "$id" | jq '.steps[1].size')
ok 'it is that long' test "$size" -gt 33554432
left_out=$(jq -r 'select(.step_id == 1 and .stream == "stderr").content' \
    late.out | tr -dc 0-9)
ok 'its last 4 MiB, from where a line begins' \
    test "$((size - left_out))" -le 4194304 -a \
    "$((size - left_out))" -gt 4194000
done_testing
