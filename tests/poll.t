#!/bin/sh
# SPDX-License-Identifier: ISC
# A round of asking: what webhooks did not tell. The CI is a program, called
# ci, that answers from files and writes down what it was asked.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/rows.sh"

mkdir -p share/providers/ci bin
ln -s "$TOP/share/migrate" share/migrate
cp "$TOP/share/providers/buildkite/provider.json" share/providers/ci
cat >share/providers/ci/call.jq <<'END'
if .answer == null then
	if .verb == "list" and env.NO_LISTS == "1" then empty
	else { exec: ["ci", .verb], input: . } end
elif .answer.status == 0 then .answer.body
else { unsure: "ci is down" } end
END
cat >bin/ci <<'END'
#!/bin/sh
# Answer a verb from the file of it, or of it and the build.
jq -c '[.verb, .build.id // .builds[0].org, .since] | map(values)' |
    sed 's/\.000Z/Z/' | tee -a "$CI/log" | jq -r '.[1]' >"$CI/id"
id=$(cat "$CI/id")
if [ -e "$CI/$1.$id" ]; then cat "$CI/$1.$id"
elif [ -e "$CI/$1" ]; then cat "$CI/$1"
else exit 1; fi
END
chmod +x bin/ci
PATH=$TMP/bin:$PATH TACK_SHARE=$TMP/share CI=$TMP/ci
export CI TACK_SHARE
unset TACK_BUILD_LIMIT

tack-init -d new
fresh() {
	rm -rf tack.db* ci
	mkdir ci
	cp new tack.db
	echo '{"builds":[]}' >ci/list
}

query() {
	sqlite3 tack.db "$1"
}

# A run of ours: its build, and what is published of it.
run() {
	begun="unixepoch() - ${4:-600}"
	query "$(build_row build_id="$1" pipeline_rkey="$1" number=7 \
	    org="${3:-acme}" pipeline=p created_at:="$begun")"
	[ -z "${2:-}" ] || query "$(status_row pipeline_rkey="$1" status="$2" \
	    created_at:="($begun) * 1000")"
}

# What the CI says of a build.
payload() {
	jq -nc "{build: {id: \"$1\", number: 7, state: \"$2\",
	    started_at: \"2026-11-23T10:00:00Z\"}} | ${3:-.}"
}

answer() {
	payload "$@" | jq -c '{builds: [.]}'
}

# A whole round, and what became of each record.
round() {
	tack-poll 2>log | tack-resolve 2>>log | tack-status 2>>log
}

outcomes() {
	round | jq -r '"\(.ref.pipeline_rkey // "-") \(.build.status // "-") \(.outcome)"'
}

asked() {
	jq -r '"\(.[0]) \(.[1] // "")"' ci/log
}

published() {
	query "SELECT status FROM status WHERE pipeline_rkey = '$1'"
}

# Lists
fresh
run a pending
run b running
run c running
{ payload a running; payload b passed; payload c running; payload x passed
    payload b passed; } | jq -sc '{builds: .}' >ci/list
is 'what webhooks did not tell is published, each once' \
    'a running published
b success published
c running duplicate' "$(outcomes)"
is 'all by one question for lists' 'list acme' "$(asked)"
tack-poll >out
is 'the record is as if verified, with the time of asking' \
    'asked_at,event,payload,provider ci poll number' \
    "$(head -n 1 out | jq -r '"\(keys | join(",")) \(.provider) \(.event) \(.asked_at | type)"')"
is 'a build of others is not printed' 0 "$(grep -c '"x"' out)"
is 'nor is one twice' 3 "$(wc -l <out | tr -d ' ')"
ok 'nothing is said when all is well' test ! -s log

fresh
run b running
answer b passed >ci/list
tack-poll | tack-resolve | jq -c '.asked_at -= 60000' >late
query "UPDATE status SET status = 'failed', finished_at = 1787306400,
    published_at = unixepoch() * 1000"
tack-status <late >out
is 'what was published since the asking is not undone' 'stale failed' \
    "$(jq -r .outcome out) $(published b)"

fresh
query "$(build_row pipeline_rkey=lost org=acme sent_at:='unixepoch()')"
run taken running
claim() {
	printf '.build.meta_data = {"tack:knot": "k", "tack:pipeline_rkey": "%s", "tack:workflow": "w"}' "$1"
}
{ payload l scheduled "$(claim lost)"; payload other running "$(claim taken)"
    payload new running "$(claim new)"; } | jq -sc '{builds: .}' >ci/list
answer taken running >ci/get
is 'a build whose answer was lost is found by its metadata' \
    'lost pending published
new running published
taken running duplicate' "$(outcomes)"
is 'and its row has it' l \
    "$(query "SELECT build_id FROM build WHERE pipeline_rkey = 'lost'")"

fresh
run a failed
query "$(build_row pipeline_rkey=a attempt=2 org=acme sent_at:='unixepoch()')"
{ payload r running '.build.rebuilt_from = {id: "a"}'
    payload s running '.build.rebuilt_from = {id: "s"}'; } |
    jq -sc '{builds: .}' >ci/list
is 'so is a rebuild by its parent' 'a running published' "$(outcomes)"

fresh
run a running
run b running other
answer a running >ci/list.acme
answer b running >ci/list.other
round >/dev/null
is 'each account is asked for its own lists' 'list acme,list other' \
    "$(asked | paste -sd,)"
now=$(date +%s)
query "UPDATE poll SET at = $now - 4000 WHERE account = 'ci/acme'"
: >ci/log
round >/dev/null
is 'the window reaches back to the last round, and ten minutes' \
    "$(date -ud "@$((now - 4600))" +%FT%TZ)" \
    "$(jq -r 'select(.[1] == "acme")[2]' ci/log)"
query "UPDATE poll SET at = $now - 400 * 86400"
: >ci/log
round >/dev/null
is 'but not a year' 30 \
    "$(jq -r --arg now "$now" '($now | tonumber) - (.[2] | fromdate) | . / 86400 | floor' ci/log | sort -u)"
query "UPDATE poll SET at = $now + 86400"
: >ci/log
round >/dev/null
ok 'nor into the future' test "$(jq -r '.[2] | fromdate' ci/log | sort -u | tail -n 1)" -le "$now"
echo '{"unsure":"half a list"}' >ci/list.acme
query 'UPDATE poll SET at = 1000000000'
round >/dev/null
is 'a round that failed does not move the window' 1000000000 \
    "$(query "SELECT at FROM poll WHERE account = 'ci/acme'")"

# One by one
fresh
run old running
run young running acme 0
run listed running
run over success
run marked failed
query "UPDATE status SET ask = 1 WHERE pipeline_rkey = 'marked'"
run silent '' acme 300
answer listed running >ci/list
answer old passed >ci/get.old
answer marked running '.build.started_at = "2026-11-23T11:00:00Z"' >ci/get.marked
answer silent running >ci/get.silent
outcomes | sort >out
is 'what is in no list is asked for, unless it is young or over' \
    'get marked,get old,get silent,list acme' "$(asked | sort | paste -sd,)"
is 'and the answer published' \
    'listed running duplicate,marked running published,old success published,silent running published' \
    "$(paste -sd, out)"

fresh
i=0
while [ $i -lt 14 ]; do
	i=$((i + 1))
	run b$i running
	answer b$i running >ci/get.b$i
done
round >/dev/null
is 'no more than ten a round' 10 "$(asked | grep -c get)"
round >/dev/null
is 'the others are next' 14 "$(asked | grep get | sort -u | wc -l | tr -d ' ')"
: >ci/log
NO_LISTS=1 round >/dev/null
is 'a CI without lists is asked for all' 'get 14' \
    "$(asked | cut -d' ' -f1 | sort | uniq -c | awk '{ print $2, $1 }')"

# A CI that forgets
fresh
run a running
run kept success
query "UPDATE status SET ask = 1 WHERE pipeline_rkey = 'kept'"
echo '{"gone":"No build found"}' >ci/get
is 'a build that is not there has a day' '' "$(outcomes)"
is 'which is counted from the first time' 2 \
    "$(query 'SELECT count(*) FROM build WHERE missing_at > unixepoch() - 60')"
query 'UPDATE build SET missing_at = missing_at - 86000'
is 'of 24 hours' '' "$(outcomes)"
query 'UPDATE build SET missing_at = missing_at - 401'
is 'then it has failed, unless it had ended' 'a failed published
kept success duplicate' "$(outcomes | sort)"
is 'and the status says why' 'the CI has forgotten the build' \
    "$(tack-events | jq -r .event.error)"
: >ci/log
is 'nobody asks again' ' list acme' "$(outcomes) $(asked)"
fresh
run a running
query 'UPDATE build SET missing_at = unixepoch() - 86401'
answer a running >ci/get
round >/dev/null
is 'a build that turns up is not missing' '' \
    "$(query 'SELECT missing_at FROM build')"

# Too late
fresh
run late running acme 21700
run gate running acme 21700
query "UPDATE status SET held = 1 WHERE pipeline_rkey = 'gate'"
run fresh running acme 20000
run ended running acme 21700
{ payload late running; payload gate running; payload fresh running
    payload ended passed; } | jq -sc '{builds: .}' >ci/list
answer late canceling >ci/cancel
is 'a build without news for six hours has timed out' \
    'ended success published,fresh running duplicate,gate running duplicate,late timeout duplicate,late timeout published' \
    "$(outcomes | sort | sed 's/late running duplicate/late timeout duplicate/' | sort -u | paste -sd,)"
is 'the status says why' 'timeout no end after 360 minutes' \
    "$(tack-events | jq -r '.event | select(.error) | "\(.status) \(.error)"')"
is 'and the CI was asked to cancel it' 'cancel late' "$(asked | grep cancel)"
answer late canceled >ci/list
round >/dev/null
is 'once; and timed out it stays' '1 timeout' \
    "$(asked | grep -c cancel) $(published late)"
fresh
run late running acme 600
answer late running >ci/list
answer late canceling >ci/cancel
is 'TACK_BUILD_LIMIT is another limit' timeout \
    "$(TACK_BUILD_LIMIT=300 round >/dev/null; published late)"
fresh
run late running acme 99999999
answer late running >ci/list
is 'or none' running "$(TACK_BUILD_LIMIT=0 round >/dev/null; published late)"
status 'or wrong' 78 env TACK_BUILD_LIMIT=6h tack-poll
fresh
for id in a b c d e f g h i j k l; do
	run $id running acme 30000
	answer $id passed >ci/get.$id
done
is 'nobody is given up before it is asked for' '10 success,2 running' \
    "$(round >/dev/null; query 'SELECT count(*), status FROM status
	GROUP BY status ORDER BY 1 DESC' | tr '|' ' ' | paste -sd,)"
is 'which the next round does' 12 "$(round >/dev/null; query "SELECT count(*)
    FROM status WHERE status = 'success'")"

fresh
query "INSERT INTO status (knot, pipeline_rkey, workflow, status, created_at,
    started_at, finished_at) VALUES ('k', 'a', 'w', 'success', 1, 1, 1)"
run a
round >/dev/null
is 'a row that came after the end of its status has ended' '1 ' \
    "$(query 'SELECT ended FROM build') $(asked | grep get)"

fresh
run a running
query "UPDATE build SET verdict = 'timeout', reason = 'too late'"
answer a canceling >ci/list
tack-poll >/dev/null
is 'a verdict that was not published is printed again' \
    'a timeout published' "$(outcomes | head -n 1)"
is 'until it is' '' "$(tack-poll | jq -c 'select(.ref)')"

fresh
query "$(build_row provider=none verdict=failed reason='no tack: block')"
status 'a workflow that never had a CI is no fault' 0 sh -c 'tack-poll >out 2>log'
is 'but is told' 'failed no tack: block' \
    "$(jq -r '"\(.build.status) \(.build.error)"' out)"
ok 'and no more than that' test ! -s log

# Cancelled before it began, yet it began
fresh
run a cancelled
query "UPDATE build SET verdict = 'cancelled'"
answer a running >ci/list
answer a canceling >ci/cancel
is 'a build that begins after its run was cancelled is cancelled too' \
    'list acme,cancel a' "$(outcomes >out; asked | paste -sd,)"
is 'and its run stays so' cancelled "$(published a)"
: >ci/log
outcomes >out
is 'but not in each round' 'list acme' "$(asked)"
answer a canceled >ci/list
query 'UPDATE build SET not_before = 0'
outcomes >out
is 'nor when it has ended' 0 "$(asked | grep -c cancel)"

# A CI that does not answer
mkdir share/providers/down
cp share/providers/ci/* share/providers/down
fresh
run a running
run b running
query "UPDATE build SET provider = 'down', org = 'low' WHERE build_id = 'b'"
answer a passed >ci/list.acme
for answer in '{"wait":7,"reason":"ask again in 7 s"}' '{"unsure":"502"}'; do
	echo "$answer" >ci/list.low
	: >ci/log
	query "UPDATE status SET status = 'running'"
	status "$answer puts off" 75 sh -c 'tack-poll >out 2>log'
	is "$answer ends the account's part" 'list acme,list low' \
	    "$(asked | paste -sd,)"
	is 'and others go on' a "$(jq -r .payload.build.id out)"
done
echo '{"error":"renew the token"}' >ci/list.low
status 'a refusal is 1' 1 sh -c 'tack-poll >out 2>log'
is 'and is told' 'tack-poll: down: list: renew the token' "$(cat log)"
echo '{"error":"a\u001b[2Jb\nc"}' >ci/list.low
tack-poll >out 2>log
is 'in one line, without what steers a terminal' 1 \
    "$(LC_ALL=C grep -c '^[ -~]*$' log)$(LC_ALL=C grep -v '^[ -~]*$' log)"
is '-p asks one alone' 'list low' \
    "$(: >ci/log; tack-poll -p down >/dev/null 2>&1; asked)"
query "UPDATE build SET provider = 'none' WHERE build_id = 'b'"
status 'a provider that is not there is EX_CONFIG' 78 tack-poll

# Two rounds
# Whose builds
fresh
run a success
echo secret >key
chmod 600 key
payload new running "$(claim new)" | jq -c '{builds: [.]}' >ci/list
is 'a reference must be sealed where that is required' '' \
    "$(TACK_REQUIRE_SEALED_REF=1 TACK_SEAL_KEY_FILE=$TMP/key tack-poll 2>&1)"

fresh
run a failed
query "$(build_row pipeline_rkey=a org=acme pipeline=p attempt=2)"
{
	payload evil passed "$(claim a)"
	payload r running '.build.rebuilt_from = {id: "a"}'
} | jq -sc '{builds: .}' >ci/list
is 'what waits for a rebuild is had by the rebuild, not by who names it' r \
    "$(tack-poll 2>&1 | jq -r .payload.build.id)"

fresh
run a running
mkfifo ci/list.acme
tack-poll >first &
first=$!
until_ok test -e ci/log
is 'a second round at the same time has nothing to do' '0 ' \
    "$(tack-poll >second; echo $?) $(cat second)"
ANSWER=$(answer a passed) within sh -c 'echo "$ANSWER" >ci/list.acme'
wait $first
is 'while the first goes on' a "$(jq -r .payload.build.id first)"

rm -rf tack.db*
tack-init
is 'no builds, no questions' '0 ' "$(tack-poll; echo $?) "
status 'no database is EX_NOINPUT' 66 tack-poll -d none.db
status 'an unknown option is EX_USAGE' 64 tack-poll -x
status 'so is an argument' 64 tack-poll ci
fresh
run a running
answer a passed >ci/list
status 'a full output is EX_IOERR' 74 sh -c 'tack-poll >/dev/full'
done_testing
