#!/bin/sh
# SPDX-License-Identifier: ISC
# Cancelling, rebuilding and retrying. The CI is a program, called ci, that
# answers from files and writes down what it was asked.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/rows.sh"

mkdir -p share/providers/ci bin
ln -s "$TOP/share/migrate" share/migrate
cp "$TOP/share/providers/buildkite/provider.json" share/providers/ci
cat >share/providers/ci/call.jq <<'END'
if .answer == null then { exec: ["ci", .verb], input: . }
elif .answer.status == 0 then .answer.body
else { unsure: "ci is down" } end
END
cat >bin/ci <<'END'
#!/bin/sh
jq -c '[.verb, .build.id // .ref.pipeline_rkey, .ref.attempt]' >>"$CI/log"
cat "$CI/$1"
END
chmod +x bin/ci
PATH=$TMP/bin:$PATH TACK_SHARE=$TMP/share CI=$TMP/ci
export CI TACK_SHARE

tack-init -d new
fresh() {
	rm -rf tack.db* ci
	mkdir ci
	cp new tack.db
}

query() {
	sqlite3 tack.db "$1"
}

# A run of ours: its build, if it has one, and what is published of it.
run() {
	query "$(build_row ${1:+build_id="$1"} number=7 org=acme pipeline=p \
	    task={})"
	[ -z "${2:-}" ] || query "$(status_row status="$2")"
}

# What the CI says of a build.
answer() {
	jq -nc "{build: {id: \"$1\", number: 8, state: \"$2\",
	    started_at: \"2026-11-23T10:00:00Z\"}} | ${3:-.} | {builds: [.]}"
}

wish() {
	jq -nc --arg verb "$1" '{id: "1", $verb,
	    ref: {knot: "k", pipeline_rkey: "r", workflow: "w"}}'
}

act() {
	wish "$1" | tack-cancel 2>log >acted
	echo $? >status
	tack-status <acted >out 2>>log
	jq -r '[.build.status // "-", .outcome, .reason // empty] | join(" ")' out
}

asked() {
	jq -r '"\(.[0]) \(.[1])"' ci/log | paste -sd,
}

published() {
	tack-events | jq -r .event.status | paste -sd,
}

# cancel
fresh
run ''
is 'a build that was not asked for is cancelled without a call' \
    'cancelled published' "$(act cancel)"
ok 'so the CI hears nothing' test ! -e ci/log
is 'the run says why' 'before it started' \
    "$(tack-events | jq -r .event.error)"
is 'and is never started' '' "$(tack-spawn -r)"
is 'twice is harmless' '- duplicate it has ended' "$(act cancel)"

fresh
run ''
query 'UPDATE build SET sent_at = unixepoch(), tries = 1'
answer b running '.build.meta_data = {"tack:knot": "k", "tack:pipeline_rkey": "r", "tack:workflow": "w"}' >ci/find
answer b canceled >ci/cancel
is 'one whose start was not answered is looked for first' \
    'cancelled published find r,cancel b' "$(act cancel) $(asked)"
is 'and remembered' b "$(query 'SELECT build_id FROM build')"

fresh
run ''
query 'UPDATE build SET sent_at = unixepoch(), tries = 1'
echo '{"unsure":"502"}' >ci/find
is 'it is not given up while nobody knows' 'pending deferred 502' "$(act cancel)"
is 'which is EX_TEMPFAIL' 75 "$(cat status)"
is 'and no verdict' '' "$(query 'SELECT verdict FROM build')"

fresh
run b running
answer b canceling >ci/cancel
is 'a build being cancelled runs' 'running duplicate' "$(act cancel)"
answer b canceled >ci/cancel
is 'a cancelled one is cancelled' 'cancelled published' "$(act cancel)"
is 'the record keeps what it came with' '1 cancel' \
    "$(jq -r '"\(.id) \(.verb)"' out)"
is 'again the CI is not asked' '- duplicate it has ended cancel b,cancel b' \
    "$(act cancel) $(asked)"
fresh
run b running
echo '{"error":"no longer"}' >ci/cancel
answer b passed >ci/get
is 'a build that ended before was what was wanted' \
    'success published' "$(act cancel)"
for said in '{"wait":9,"reason":"later"}' '{"unsure":"502"}'; do
	fresh
	run b running
	echo "$said" | tee ci/cancel >ci/get
	is "$said is deferred" "- deferred $(echo "$said" | jq -r '.reason // .unsure')" "$(act cancel)"
	is 'with EX_TEMPFAIL' 75 "$(cat status)"
done
fresh
run b running
echo '{"error":"the token may not"}' | tee ci/cancel >ci/get
is 'a refusal is failed, and told' '- failed the token may not tack-cancel: record 1: failed: the token may not' \
    "$(act cancel) $(head -n 1 log)"

# rebuild
fresh
run b failed
answer c scheduled '.build.rebuilt_from = {id: "b"}' >ci/rebuild
is 'a rebuild is the next attempt' 'pending published' "$(act rebuild)"
is 'of the build before' 'rebuild b' "$(asked)"
is 'with a row of its own' '1 b,2 c' \
    "$(query "SELECT attempt || ' ' || build_id FROM build ORDER BY id" | paste -sd,)"
is 'it opens the workflow anew' pending "$(published)"
is 'while it is open, another is refused' '- duplicate it has not ended' \
    "$(act rebuild)"
jq -c '{provider: "ci", event: "build.finished", payload: .builds[0]}
    | .payload.build.state = "passed"' ci/rebuild | tack-resolve | tack-status >out
is 'its webhook is ours' '2 published' \
    "$(jq -r '"\(.ref.attempt) \(.outcome)"' out)"
answer d scheduled '.build.rebuilt_from = {id: "c"}' >ci/rebuild
is 'and then it can be built again' 'pending published rebuild b,rebuild c' \
    "$(act rebuild) $(asked)"

fresh
run b failed
echo '{"unsure":"cut"}' >ci/rebuild
is 'a rebuild that nobody answered is put off' 'pending deferred cut' "$(act rebuild)"
query 'UPDATE build SET not_before = 0'
answer c running '.build.rebuilt_from = {id: "b"}' >ci/find
is 'then looked for by its parent' 'running published' "$(act rebuild)"
is 'and not sent again' 'rebuild b,find b 2' \
    "$(asked) $(query 'SELECT count(*) FROM build')"
fresh
run b failed
echo '{"unsure":"cut"}' >ci/rebuild
act rebuild >/dev/null
query 'UPDATE build SET not_before = 0'
answer c running '.build.rebuilt_from = {id: "b"}' >ci/find
is 'cron finds it too' running "$(tack-spawn -r | jq -r .build.status)"
fresh
run b failed
echo '{"unsure":"cut"}' >ci/rebuild
act rebuild >/dev/null
jq -c '{provider: "ci", event: "build.running", payload: .builds[0]}' <<END | tack-resolve | tack-status >out
$(answer c running '.build.rebuilt_from = {id: "b"}')
END
is 'or its webhook does' 'published c' \
    "$(jq -r .outcome out) $(query 'SELECT build_id FROM build WHERE attempt = 2')"
fresh
run '' failed
query "UPDATE build SET verdict = 'failed'"
answer c scheduled >ci/create
is 'what never was a build is made, not rebuilt' \
    'pending published create r' "$(act rebuild) $(asked)"
fresh
run b running
is 'a run that is open is not rebuilt' '- duplicate it has not ended' \
    "$(act rebuild)"
fresh
run b failed
answer c scheduled '.build.rebuilt_from = {id: "b"}' >ci/rebuild
for i in 1 2 3 4; do
	wish rebuild | tack-cancel >both.$i 2>/dev/null &
done
wait
is 'of four at once one is sent' 'rebuild b 2' \
    "$(asked) $(query 'SELECT count(*) FROM build')"

# retry
fresh
run b failed
answer b running >ci/retry
is 'a retry is the same build, running' 'running published retry b' \
    "$(act retry) $(asked)"
query "UPDATE build SET verdict = 'timeout'"
act retry >/dev/null
is 'after which a verdict is void' '' "$(query 'SELECT verdict FROM build')"
echo '{"error":"Jobs from canceled builds cannot be retried"}' >ci/retry
is 'what cannot be is refused' \
    '- failed Jobs from canceled builds cannot be retried' "$(act retry)"
fresh
run ''
is 'nor what has not started' 'pending deferred it has not started yet' \
    "$(act retry)"

# The front end
fresh
run b running
answer b canceled >ci/cancel
ok 'tack cancel is for people' sh -c 'tack cancel k r w >said'
is 'and says what came of it' 'cancelled	published' "$(cat said)"
answer c scheduled '.build.rebuilt_from = {id: "b"}' >ci/rebuild
is 'tack rebuild too' 'pending	published' "$(tack rebuild k r w)"
echo '{"error":"not this one"}' >ci/retry
status 'a refusal is 1' 1 sh -c 'tack retry -d tack.db k r w >said 2>/dev/null'
is 'with the reason' '-	failed	not this one' "$(cat said)"
echo '{"wait":3,"reason":"later"}' >ci/retry
status 'try again is 75' 75 sh -c 'tack retry k r w >/dev/null 2>&1'
status 'a run that is not there is 1' 1 sh -c 'tack cancel k x w >said 2>/dev/null'
status 'too few arguments are EX_USAGE' 64 tack cancel k r
status 'no database is EX_NOINPUT' 66 sh -c 'tack cancel -d none.db k r w 2>/dev/null'

# What is not a wish
{ wish cancel | jq -c 'del(.ref.knot)'
    wish fly
    wish cancel | jq -c '.ref.workflow = "other"'
    wish cancel | jq -c '.outcome = "foreign"'; } >in
is 'each line comes out, settled' 'malformed malformed failed foreign' \
    "$(tack-cancel <in 2>log | jq -r .outcome | paste -sd' ')"
i=0
while [ $i -lt 100 ]; do
	i=$((i + 1))
	wish retry
done >many
is 'a hundred in a row are no more than one' 100 \
    "$(tack-cancel <many 2>/dev/null | wc -l | tr -d ' ')"
status 'a line that is none is 1' 1 sh -c 'echo x | tack-cancel 2>/dev/null'
status 'no database is EX_NOINPUT for the tool' 66 tack-cancel -d none.db </dev/null
status 'a full output is EX_IOERR' 74 sh -c 'tack-cancel <in 2>/dev/null >/dev/full'
status 'an unknown option is EX_USAGE' 64 tack-cancel -x
done_testing
