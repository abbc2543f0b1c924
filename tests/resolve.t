#!/bin/sh
# SPDX-License-Identifier: ISC
# Whose build is it? The webhook that outruns its mapping, and all around it.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/rows.sh"

fresh() {
	rm -f tack.db*
	tack-init
}

# A build event as tack-verify passes it on; the argument edits the body.
body() {
	jq -c "{event: \"build.scheduled\", build: {id: \"uuid-race\",
	    number: 42, state: \"scheduled\", meta_data: {
	    \"tack:knot\": \"knot.example.com\",
	    \"tack:pipeline_rkey\": \"rkey-race\",
	    \"tack:workflow\": \"ci.yml\"},
	    pipeline: {slug: \"mypipe\"}}, organization: {slug: \"myorg\"}}
	    | ${1:-.}" -n
}

verified() {
	jq -c '{provider: "buildkite", event: .event, payload: .}'
}

deliver() {
	body "$1" | verified | tack-resolve 2>log | tack-status 2>>log
}

query() {
	sqlite3 -readonly tack.db "$1"
}

events() {
	query 'SELECT count(*) FROM event'
}

outcome() {
	deliver "$1" | jq -r .outcome
}

finished='.event = "build.finished" | .build.state = "passed"
    | .build.finished_at = "2026-08-22 10:15:31 UTC"'

fresh
is 'a webhook before its mapping row is published' published "$(outcome .)"
is 'exactly one event, pending, of ci.yml' '1 pending ci.yml' \
    "$(tack-events -c 0 | jq -rs '"\(length) \(.[0].event.status) \(.[0].event.workflow)"')"
is 'the row is found by the build id, whole' \
    'ci.yml|knot.example.com|rkey-race|42|mypipe|myorg' \
    "$(query "SELECT workflow, knot, pipeline_rkey, number, pipeline, org FROM build WHERE build_id = 'uuid-race'")"
is 'the record names the pipeline by its at-uri' \
    at://did:web:knot.example.com/sh.tangled.pipeline/rkey-race \
    "$(tack-events | jq -r .event.pipeline)"

# What tack-spawn's row does when it comes after the webhook's.
sqlite3 tack.db "INSERT INTO build (provider, build_id, knot, pipeline_rkey,
    workflow, number, org, pipeline) VALUES ('buildkite', 'uuid-race',
    'knot.example.com', 'rkey-race', 'ci.yml', '42', 'myorg', 'fresh')
    ON CONFLICT DO UPDATE SET pipeline = excluded.pipeline"
is 'the authoritative row refreshes the one row, without an event' \
    '1|fresh|1' \
    "$(query 'SELECT count(*), pipeline, (SELECT count(*) FROM event) FROM build')"
is 'build.running finds the row and goes out' published \
    "$(outcome '.event = "build.running" | .build.state = "running"')"
is 'a webhook without meta_data is handled by the row' published \
    "$(outcome "$finished | del(.build.meta_data)")"
is 'empty org and slug leave the row as it is' 'myorg|fresh' \
    "$(deliver '.build.pipeline.slug = "" | .organization.slug = ""' >/dev/null
	query 'SELECT org, pipeline FROM build')"
is 'the row wins over what the metadata claims' rkey-race \
    "$(deliver '.build.meta_data["tack:pipeline_rkey"] = "rkey-b"' | jq -r .ref.pipeline_rkey)"
ok 'and a warning says so' grep -q 'another reference' log
is 'the same webhook again is a duplicate' duplicate \
    "$(outcome "$finished")"
is 'an older running after success is stale' stale \
    "$(outcome '.build.state = "running" | .build.started_at = "2026-08-22 10:15:00 UTC"')"
is 'a running that started later re-opens the run' published \
    "$(outcome '.build.state = "running" | .build.started_at = "2026-08-22 10:16:00 UTC"')"

fresh
is 'a build without our keys is foreign' foreign \
    "$(outcome "$finished | .build.meta_data = {\"someone-elses-key\": \"x\"}")"
is 'no event, no row' '0|0' \
    "$(query 'SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM build)')"
for keep in tack:knot tack:pipeline_rkey tack:workflow; do
	is "$keep alone is foreign" foreign \
	    "$(outcome ".build.meta_data |= {\"$keep\": .[\"$keep\"]}")"
	is "all but $keep is foreign" foreign \
	    "$(outcome "del(.build.meta_data[\"$keep\"])")"
	is "an empty $keep is foreign" foreign \
	    "$(outcome ".build.meta_data[\"$keep\"] = \"\"")"
	for value in null 7 true '{}' '"a\u0000b"' '"a\nb"' '"a\u007f"'; do
		is "$keep of $value is foreign" foreign \
		    "$(outcome ".build.meta_data[\"$keep\"] = $value")"
	done
done
is 'no row and no event came of all that' '0|0' \
    "$(query 'SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM build)')"
for where in '.build.message' '.build.env' '.pipeline.env' '.build.author' \
    '.agent.meta_data' '.'; do
	is "our keys under $where are foreign" foreign \
	    "$(outcome ".build.meta_data as \$m | del(.build.meta_data) | $where += \$m")"
done
for value in null '[]' '"tack:knot"' '7'; do
	is "meta_data of $value is foreign" foreign \
	    "$(outcome ".build.meta_data = $value")"
done
is 'keys in another case are foreign' foreign \
    "$(outcome '.build.meta_data |= with_entries(.key |= ascii_upcase)')"
is 'a rebuild that names our build but has no keys is foreign' foreign \
    "$(outcome 'del(.build.meta_data) | .build.rebuilt_from = {id: "uuid-race"}')"

fresh
sqlite3 tack.db "CREATE TRIGGER full BEFORE INSERT ON build
    BEGIN SELECT RAISE(ABORT, 'the save fails'); END"
is 'the status goes out though the save fails' published "$(outcome .)"
is 'one warning names the error, one the build' '1 1' \
    "$(grep -c 'the save fails' log) $(grep -c 'build uuid-race: ' log)"

fresh
sqlite3 tack.db 'ALTER TABLE build RENAME TO gone'
body | verified >in
status 'a lookup that fails is the machine'\''s fault' 70 \
    tack-resolve <in
ok 'and is named' sh -c 'tack-resolve <in 2>&1 | grep -q "look up a build by its id"'

fresh
path=/v2/organizations/o1/pipelines/top/builds/7
deliver "del(.organization, .build.pipeline, .build.number)
    | .pipeline.slug = \"top\"
    | .build.url = \"https://api.buildkite.com$path\"" >/dev/null
is 'org, slug and number are recovered from build.url' 'o1|top|7' \
    "$(query 'SELECT org, pipeline, number FROM build')"
# The organization and pipeline that are had from build.url alone.
from_url() {
	fresh
	deliver "del(.organization, .build.pipeline) | .build.url = \"$1\"" |
		jq -r '"\(.build.org) \(.build.pipeline)"'
}
is 'another host recovers nothing' 'null null' \
    "$(from_url "https://evil.example$path")"
is 'nor does one whose name is as long' 'null null' \
    "$(from_url "https://api.buildkitf.com$path")"
is 'the status is published all the same, the row incomplete' '1|1' \
    "$(query 'SELECT org IS NULL, (SELECT count(*) FROM event) FROM build')"
deliver '.event = "build.running"' >/dev/null
is 'and what comes later completes it' myorg \
    "$(query 'SELECT org FROM build')"

fresh
printf 'bridge-key' >seal.key && chmod 600 seal.key
export TACK_REQUIRE_SEALED_REF=1 TACK_SEAL_KEY_FILE="$TMP/seal.key"
b64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
# seal KEY [ATTEMPT [TIME]]; without a time it is one of before.
seal() {
	printf '%s\0%s\0%s\0%s' knot.example.com rkey-race ci.yml "${2:-1}" >first
	[ -z "${3:-}" ] || printf '\0%s' "$3" >>first
	triple=$(b64url <first)
	tag=$({
		printf '%s\0%s\0' buildkite https://api.buildkite.com/myorg/mypipe
		cat first
	} | openssl dgst -sha256 -hmac "$1" -binary | head -c 16 | b64url)
	printf 'tack1.%s.%s' "$triple" "$tag"
}
is 'without a seal the build is foreign' foreign "$(outcome .)"
ok 'and a warning says so' grep -q 'not our seal' log
is 'under another key it is foreign' foreign \
    "$(outcome ".build.meta_data[\"tack:ref\"] = \"$(seal other)\"")"
is 'a seal for another workflow is foreign' foreign \
    "$(outcome ".build.meta_data[\"tack:ref\"] = \"$(seal bridge-key)\" | .build.meta_data[\"tack:workflow\"] = \"b.yml\"")"
is 'with our seal it is published' published \
    "$(outcome ".build.meta_data[\"tack:ref\"] = \"$(seal bridge-key)\"")"

# A claim with a seal: sealed ID ATTEMPT TIME.
sealed() {
	deliver ".build.id = \"$1\" | .build.meta_data[\"tack:ref\"]
	    = \"$(seal bridge-key "$2" "$3")\"" | jq -r '"\(.outcome) \(.ref.attempt // "")"'
}
# The row of an attempt, made SECONDS ago.
attempt() {
	sqlite3 tack.db "$(build_row provider=buildkite build_id:="$2" \
	    knot=knot.example.com pipeline_rkey=rkey-race workflow=ci.yml \
	    attempt="$1" created_at:="unixepoch() - $3")"
}
now=$(date +%s)
fresh
attempt 1 NULL 600
is 'a seal that says when it was made is as good' 'published 1' \
    "$(sealed new 1 $((now - 500)))"
attempt 2 NULL 300
is 'a row that waits for a rebuild is not had by a seal of the attempt before' \
    'foreign ' "$(sealed evil 1 $((now - 500)))"
is 'nor by one of before that said no time' 'foreign ' "$(sealed evil 1 '')"
is 'nor by one of its own' 'foreign ' "$(sealed evil 2 $((now - 200)))"
is 'but by the word of the CI that it is the rebuild' 'published 2' \
    "$(deliver 'del(.build.meta_data) | .build.id = "r"
	| .build.rebuilt_from = {id: "new"}' | jq -r '"\(.outcome) \(.ref.attempt)"')"
fresh
attempt 1 NULL 600
attempt 2 NULL 300
is 'what is made anew is not had by a seal of the attempt before' 'foreign ' \
    "$(sealed evil 1 $((now - 500)))"
is 'nor by one that was made since' 'foreign ' "$(sealed evil 1 $((now - 200)))"
is 'nor by one of before that said no time' 'foreign ' "$(sealed evil 1 '')"
is 'but by its own' 'published 2' "$(sealed new 2 $((now - 200)))"
fresh
attempt 1 NULL 300
is 'a seal that is older than what was intended is of something else' \
    'foreign ' "$(sealed evil 1 $((now - 500)))"
sqlite3 tack.db 'UPDATE build SET created_at = created_at + 9999999'
is 'unless the clock was ahead then' 'published 1' \
    "$(sealed new 1 $((now - 200)))"
fresh
is 'a seal tells the attempt of what the database forgot' 'published 3' \
    "$(sealed new 3 $((now - 500)))"
unset TACK_REQUIRE_SEALED_REF TACK_SEAL_KEY_FILE
is 'another build that claims the same workflow is foreign' foreign \
    "$(outcome '.build.id = "uuid-two"')"

fresh
is 'a passed build that is blocked is no success' running \
    "$(deliver "$finished | .build.blocked = true" | jq -r .status.status)"
# said ID [change]: the status, else the outcome, of a build of its own.
said() {
	deliver ".build.id = \"$1\"
	    | .build.meta_data[\"tack:workflow\"] = \"$1\" | ${2:-.}" |
		jq -r '.status.status // .outcome'
}
i=0
while read -r state want; do
	i=$((i + 1))
	is "$state is $want" "$want" "$(said u$i ".build.state = \"$state\"")"
done <<'EOF'
creating pending
scheduled pending
waiting pending
running running
started running
failing running
canceling running
passed success
failed failed
waiting_failed failed
blocked running
canceled cancelled
skipped cancelled
not_run cancelled
never_heard_of ignored
PASSED ignored
passed/true ignored
EOF
is 'build.failing goes by its state' running \
    "$(said f '.event = "build.failing" | .build.state = "failing"')"
is 'build.skipped goes by its state' cancelled \
    "$(said s '.event = "build.skipped" | .build.state = "skipped"')"
before=$(events)
for event in job.started job.finished agent.connected ping; do
	is "$event is ignored" ignored "$(outcome ".event = \"$event\"")"
done
is 'and nothing was published' "$before" "$(events)"
for build in null '[]' '"text"' '{"id": 7.5}' '{"id": null}' '{"id": {}}'; do
	is "a build of $build is malformed" malformed \
	    "$(outcome ".build = $build")"
done
is 'the same body gives the same answer every time' 1 \
    "$(for i in 1 2 3; do body | verified | tack-resolve; done | sort -u | wc -l | tr -d ' ')"

body | verified >good
{ cat good; echo 'not json'; cat good; } >mixed
status 'a bad line between two good makes exit 1' 1 tack-resolve <mixed
is 'and both good ones pass' 2 "$(tack-resolve <mixed 2>log | wc -l | tr -d ' ')"
ok 'its number is told' grep -q 'stdin:2: not JSON' log
printf '%65s\n' '' | tr ' ' '[' >deep
tack-resolve <deep 2>log
ok 'a line that is nested too deep is told to be that' \
    grep -q 'stdin:1: nested deeper than 64 levels at byte 65' log
status 'nothing in, nothing out' 0 tack-resolve </dev/null
status 'a full output is EX_IOERR' 74 sh -c 'tack-resolve <good >/dev/full'
status 'no database is EX_NOINPUT' 66 tack-resolve -d none.db </dev/null
status 'an unknown option is EX_USAGE' 64 tack-resolve -x

rm -f tack.db*
tack-init
deliver . >/dev/null
parent=$(sqlite3 tack.db 'SELECT build_id FROM build')
rebuild='del(.build.meta_data) | .build.id = "r"
    | .build.rebuilt_from = {id: "'$parent'"}'
is 'a rebuild that nobody asked us for is foreign' foreign \
    "$(outcome "$rebuild")"
sqlite3 tack.db "INSERT INTO build (provider, knot, pipeline_rkey, workflow,
    attempt) SELECT provider, knot, pipeline_rkey, workflow, 2 FROM build"
is 'what waits for it is not had by who names the workflow' foreign \
    "$(outcome '.build.id = "evil"')"
is 'one that was asked for is the next attempt' '2 published' \
    "$(deliver "$rebuild" | jq -r '"\(.ref.attempt) \(.outcome)"')"
is 'and its row learns the build' r \
    "$(sqlite3 tack.db 'SELECT build_id FROM build WHERE attempt = 2')"
is 'another is foreign' foreign \
    "$(outcome "$rebuild"' | .build.id = "s"')"

sqlite3 tack.db "UPDATE build SET verdict = 'timeout', reason = 'too late'
    WHERE attempt = 2"
is 'a build cancelled for being late was late' 'timeout too late' \
    "$(body '.build.id = "r" | .build.state = "canceled"' | verified |
	tack-resolve | jq -r '"\(.build.status) \(.build.error)"')"
is 'nor is it running while it is being cancelled' timeout \
    "$(body '.build.id = "r" | .build.state = "canceling"' | verified |
	tack-resolve | jq -r .build.status)"
is 'an end of its own stands' success \
    "$(body '.build.id = "r" | .build.state = "passed"' | verified |
	tack-resolve | jq -r .build.status)"
jq -nc '{provider: "buildkite", event: "poll", build: {status: "failed"},
    ref: {knot: "k", pipeline_rkey: "r", workflow: "w",
    pipeline_uri: "at://x", attempt: 2}}' >word
is 'our own word passes as it is' "$(cat word)" "$(tack-resolve <word)"
is 'but not without a whole reference' malformed \
    "$(jq -c 'del(.ref.knot)' word | tack-resolve 2>/dev/null | jq -r .outcome)"
mkdir -p own/providers/asking
jq '.state = [{ "if": ["build", "state"], "jq": "input" }]' \
    "$TOP/share/providers/buildkite/provider.json" \
    >own/providers/asking/provider.json
tack-init -d asking.db
is 'a provider whose program asks for more input gets none' foreign \
    "$(echo '{"provider": "asking", "event": "build.running",
	"payload": {"event": "build.running", "build": {"id": "x", "state": "running"}}}' | jq -c . |
    TACK_SHARE=$TMP/own tack-resolve -d asking.db | jq -r .outcome)"
done_testing
