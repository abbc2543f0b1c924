#!/bin/sh
# SPDX-License-Identifier: ISC
# Webhooks are lost, and one round of asking makes it good.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

play '{"tokens": {"common": {"user": "a", "scopes": ["write_builds", "read_builds"], "orgs": null}},
  "limits": {"org": 1000000, "user": 1000000, "window": 60}}'
umask 077
echo common >token
TACK_BUILDKITE_TOKEN_FILE=$TMP/token
export TACK_BUILDKITE_TOKEN_FILE

# The rows of builds that tack-spawn started, and their first status.
spawned() {
	jq -r '[.provider, .build.id, .ref.knot, .ref.pipeline_rkey, .ref.workflow,
	    .build.number, .build.org, .build.pipeline] | @csv' spawned >rows
	sqlite3 "$TACK_DB_PATH" 'CREATE TEMP TABLE row (provider, id, knot, rkey, workflow, number, org, pipeline)' \
	    '.mode csv' '.import rows row' \
	    "INSERT INTO build (provider, build_id, knot, pipeline_rkey, workflow, number, org, pipeline, created_at)
	    SELECT *, unixepoch() - 300 FROM row"
	tack-status <spawned >out
}
poll() {
	within tack-poll 2>poll.err | tack-resolve 2>resolve.err | tack-status
}
stand() {
	sqlite3 "$TACK_DB_PATH" "SELECT workflow || ' ' || status FROM status ORDER BY workflow" | LC_ALL=C sort
}
# The last word in the event log on each workflow.
said() {
	tack-events | jq -r '.event | "\(.workflow) \(.status)"' |
	    awk '{ last[$1] = $2 } END { for (w in last) print w, last[w] }' | LC_ALL=C sort
}

export TACK_DB_PATH="$TMP/tack.db"
tack-init
within /usr/bin/python3 "$TOP/tests/integration/heal.py"
ok 'every subset of webhooks of thirteen courses' test -s expected
note "$(wc -l <expected) builds, $(wc -l <arrived) webhooks of $(told hooks length) arrive"
spawned
tack-resolve <arrived | tack-status >out
note "before: $(stand | LC_ALL=C comm -12 expected - | wc -l) right"
direct wait
had=$(told requests length)
poll >out
stand >stands
is 'one round, and all stand where they must' '' "$(comm -3 expected stands)"
note "the round: $(($(told requests length) - had)) requests"
said >words
is 'and so it was said' '' "$(comm -3 expected words)"
poll >out
is 'another round has no news' '' "$(jq -r 'select(.outcome == "published") | .ref.workflow' out)"

# what it costs
TACK_DB_PATH=$TMP/hundred.db
tack-init
kill "$play_pid"
play '{"tokens": {"common": {"user": "a", "scopes": ["write_builds", "read_builds"], "orgs": null}}}'
for i in 1 2 3 4 5 6 7 8 9 10; do
	for j in 0 1 2 3 4 5 6 7 8 9; do
		echo "$i$j"
	done
done >each
direct config '{"limits": {"org": 1000000, "user": 1000000, "window": 60}}'
while read -r i; do
	cat <<END
url = "$api/v2/organizations/acme-forge/pipelines/tangled-ci/builds"
header = "Authorization: Bearer common"
header = "Content-Type: application/json"
data = "{\"commit\":\"a\",\"branch\":\"main\",\"meta_data\":{\"tack:knot\":\"k\",\"tack:pipeline_rkey\":\"r\",\"tack:workflow\":\"w$i\"}}"
next
END
done <each | sed '$d' >curl.conf
curl -s -K curl.conf >created
told builds '.[]' | jq -c '{ provider: "buildkite", event: "spawn",
    ref: { knot: "k", pipeline_rkey: "r", workflow: .meta_data["tack:workflow"], attempt: 1,
	pipeline_uri: "at://did:web:k/sh.tangled.pipeline/r" },
    build: { id, number: (.number | tostring), org: "acme-forge", pipeline: "tangled-ci", status: "pending" } }' >spawned
spawned
had=$(told requests length)
poll >out
is 'a hundred open builds are two requests' '100 ["list","list"]' \
    "$(sqlite3 hundred.db 'SELECT count(*) FROM status') $(told requests ".[$had:] | map(.[1])")"
had=$(told requests length)
told builds '.[].id' | tr -d '"' | while read -r id; do
	cat <<END
url = "$api/_/build/$id"
data = "{\"state\":\"running\"}"
next
END
done | sed '$d' >curl.conf
curl -s -K curl.conf >moved
poll >out
is 'and two again when all have moved' '100 running ["list","list"]' \
    "$(sqlite3 hundred.db 'SELECT count(*), status FROM status GROUP BY status' | tr '|' ' ') $(told requests ".[$had:] | map(.[1])")"

# clocks that differ
for skew in -300 300; do
	direct config "{\"skew\": $skew}"
	poll >out
	id=$(jq -r --arg skew "$skew" 'select(.ref.workflow == "w9\(if $skew == "300" then 1 else 2 end)").build.id' spawned)
	direct "build/$id" '{"state": "failed"}'
	poll | jq -r 'select(.outcome == "published") | .status.status'
done >missed
is 'minutes between the clocks miss nothing' 'failed failed' "$(paste -sd ' ' missed)"
direct config '{"skew": 0}'

# when the CI does not answer
direct "build/$(told builds '.[0].id' | tr -d '"')" '{"state": "passed"}'
round() {
	within tack-poll 2>poll.err >polled
	echo $?
}
for f in 429-org 500 502 truncated before; do
	direct config "{\"faults\": [{\"kind\": \"list\", \"do\": \"$f\"}]}"
	round
	sqlite3 hundred.db 'DELETE FROM budget'
done >codes
is 'a round that is not answered is put off' '75 75 75 75 75' "$(tr '\n' ' ' <codes | sed 's/ $//')"
poll >out
is 'and made good by the next' success "$(sqlite3 hundred.db "SELECT status FROM status WHERE status NOT IN ('running', 'failed')")"

# A payload that leads elsewhere.
home=$api home_pid=$play_pid
play
evil=$api evil_pid=$play_pid
api=$home TACK_BUILDKITE_API=$home
trap 'kill "$home_pid" "$evil_pid" 2>/dev/null' EXIT
jq -c --arg evil "$evil" 'select(.ref.workflow == "w10" or .ref.workflow == "w11") | .build.id as $id
    | { provider: "buildkite", event: "build.running", payload: { event: "build.running",
	build: { id: (if .ref.workflow == "w10" then $id else "new" end), number: 7, state: "running",
	    url: "\($evil)/v2/organizations/acme-forge/pipelines/tangled-ci/builds/7",
	    web_url: "\($evil)/", started_at: "2026-08-24 13:01:34 UTC", finished_at: null,
	    meta_data: { "tack:knot": "k", "tack:pipeline_rkey": "evil", "tack:workflow": "w" } },
	pipeline: { slug: "..", url: "\($evil)/" } } }' spawned | tack-resolve 2>err | tack-status >out
sqlite3 hundred.db "UPDATE build SET created_at = created_at - 1000"
poll >out
is 'a url in a payload does not get the token' '{}' "$(curl -s "$evil/_/counts" | jq -c .tokens)"
is 'it is only where it belongs' "[\"Bearer common\"]" \
    "$(told counts '[.tokens[] | keys[] | select(. != "")] | unique')"

done_testing
