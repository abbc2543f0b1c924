#!/bin/sh
# SPDX-License-Identifier: ISC
# The status machine at its edges: what goes out, once, in which order.
. "$(dirname "$0")/lib.sh"

fresh() {
	rm -f tack.db*
	tack-init
}

# record STATUS [STARTED [FINISHED [EDIT]]]: as tack-resolve passes it on.
record() {
	jq -nc --arg s "$1" --arg b "${2:-}" --arg e "${3:-}" "{
	    event: \"build.running\",
	    build: ({id: \"u\", status: \$s}
	    + if \$b == \"\" then {} else {started_at: \$b} end
	    + if \$e == \"\" then {} else {finished_at: \$e} end),
	    ref: {knot: \"k.example:3000\", pipeline_rkey: \"3lxk4q2vw7c22\",
	    workflow: \"ci.yml\", pipeline_uri:
	    \"at://did:web:k.example:3000/sh.tangled.pipeline/3lxk4q2vw7c22\"}}
	    | ${4:-.}"
}

step() {
	record "$@" | tack-status | jq -r '.outcome'
}

marked() {
	sqlite3 -readonly tack.db 'SELECT ask FROM status'
}

t() { echo "2026-08-22 10:$1 UTC"; }

fresh
record pending >in
record running "$(t 00:05)" >>in
record success "$(t 00:05)" "$(t 00:06)" >>in
tack-status <in >out
tack-events >log
is 'three statuses, three record keys' 3 \
    "$(jq -r .rkey log | sort -u | wc -l | tr -d ' ')"
is 'createdAt at least a second apart' true \
    "$(jq -s '[.[].event.createdAt | sub("\\.[0-9]+"; "") | fromdate] | .[1] - .[0] >= 1 and .[2] - .[1] >= 1' log)"
is 'the last by second and order is success' success \
    "$(jq -rs 'sort_by(.event.createdAt)[-1].event.status' log)"
is 'the knot keeps its port in the at-uri' \
    at://did:web:k.example:3000/sh.tangled.pipeline/3lxk4q2vw7c22 \
    "$(head -n 1 log | jq -r .event.pipeline)"
is 'every envelope has nineteen digits of created' 3 \
    "$(grep -cE '^\{"created":[0-9]{19},' log)"
is 'the cursor of a record is the created of its event' \
    "$(sed -n 's/^{"created":\([0-9]*\),.*/\1/p' log | tail -n 1)" \
    "$(tail -n 1 out | jq -r .cursor)"
is 'its keys are rkey, nsid, event, created' created,event,nsid,rkey \
    "$(head -n 1 log | jq -r 'keys | join(",")')"
is 'a cursor equal to the last event sends nothing' '' \
    "$(tack-events -c "$(tail -n 1 out | jq -r .cursor)")"
for c in '' 0 -5 text 17; do
	is "cursor '$c' is the whole log" 3 \
	    "$(tack-events -c "$c" | wc -l | tr -d ' ')"
done
is 'a number with more after it is no number' 3 \
    "$(tack-events -c "$(tail -n 1 out | jq -r .cursor)x" | wc -l | tr -d ' ')"
is 'a cursor in the future is nothing yet' 0 \
    "$(tack-events -c 99999999999999999999 | wc -l | tr -d ' ')"
is 'final stays final for a late pending' stale "$(step pending)"

fresh
is 'finished(passed) is published' published \
    "$(step success "$(t 00:05)" "$(t 00:09)")"
is 'running with a newer start re-opens' published \
    "$(step running "$(t 00:10)")"
is 'finished(failed) is published' published \
    "$(step failed "$(t 00:10)" "$(t 00:19)")"
is 'running with the old start is dropped' stale \
    "$(step running "$(t 00:10)")"
is 'and the mark asks for a poll' 1 "$(marked)"
is 'the poll that confirms clears the mark' 'duplicate 0' \
    "$(step failed "$(t 00:10)" "$(t 00:19)" '.event = "poll"') $(marked)"
is 'a poll that knows better wins' published \
    "$(step running "$(t 00:10)" '' '.event = "poll"')"
is 'scheduled after running is dropped' stale "$(step pending)"
is 'failed, then passed later, ends success' 'published published' \
    "$(step failed "$(t 00:20)" "$(t 00:29)") $(step success "$(t 00:20)" "$(t 00:39)")"
is 'an older failure does not undo it' stale \
    "$(step failed "$(t 00:20)" "$(t 00:29)")"
is 'canceled is final for good' 'published stale stale' \
    "$(step cancelled) $(step running "$(t 09:00)") $(step success "$(t 09:00)" "$(t 09:09)")"

fresh
blocked='.build.blocked = "true"'
is 'blocked by default is running' published \
    "$(step running "$(t 00:05)" "$(t 00:06)" "$blocked")"
is 'unblocked emits nothing' duplicate "$(step running "$(t 00:05)")"
is 'then passed is success' published \
    "$(step success "$(t 00:05)" "$(t 00:16)")"
fresh
is 'blocked_state failed is failed' published \
    "$(step failed "$(t 00:05)" "$(t 00:06)" "$blocked")"
is 'unblocked, it runs again' published "$(step running "$(t 00:05)")"

fresh
is 'both spellings of a time are the same second' 'published duplicate' \
    "$(step success "$(t 00:05)" '2026-08-22T10:00:06.902Z') $(step success "$(t 00:05)" "$(t 00:06)")"
fresh
is 'a time in fractions is a time: a later end wins' 'published published' \
    "$(step success "$(t 00:05)" '2026-08-22T10:00:06.902Z') $(step failed "$(t 00:05)" "$(t 00:07)")"
is 'two ends of one second: only the CI can tell' 'stale 1' \
    "$(step success "$(t 00:05)" "$(t 00:07)") $(marked)"
fresh
is 'and two are of one second whatever its fractions' 'published stale 1' \
    "$(step success "$(t 00:05)" '2026-08-22T10:00:06.902Z') $(step failed "$(t 00:05)" "$(t 00:06)") $(marked)"
is 'a success has no error to tell' null \
    "$(record success "$(t 00:05)" "$(t 00:09)" '.build.error = "x"' | tack-status | jq -r .status.error)"
fresh
step running "$(t 00:05)" >/dev/null
is 'our own first word comes too late for a build that runs' stale \
    "$(step failed '' '' '.event = "spawn"')"
touch -d yesterday tack.db-bell
step running >/dev/null
ok 'nobody rings for a duplicate' \
    [ -n "$(find tack.db-bell -mmin +60)" ]
step success "$(t 00:05)" "$(t 00:06)" >/dev/null
ok 'the bell is rung for news' [ -z "$(find tack.db-bell -mmin +60)" ]
is 'a record key is the TID of its created' 'True True' "$(tack-events | python3 -c '
import json, sys
digits = "234567abcdefghijklmnopqrstuvwxyz"
for line in sys.stdin:
    e = json.loads(line)
    n = 0
    for c in e["rkey"]:
        n = n << 5 | digits.index(c)
    print(n >> 10 == e["created"] // 1000)' | xargs)"

fresh
step success "$(t 00:05)" "$(t 00:06)" >/dev/null
is 'a state that means nothing publishes nothing' ignored "$(step nonsense)"
is 'and asks for a poll' 1 "$(marked)"
is 'the reason of a cancel goes into error' 'gave up' \
    "$(record cancelled '' '' '.build.error = "gave up"' | tack-status | jq -r .status.error)"

record pending | tack-status >/dev/null
status 'a record without a ref is malformed, exit 0' 0 \
    sh -c 'echo "{}" | tack-status'
is 'and says so' 'malformed malformed' \
    "$({ echo '{}'; record pending '' '' 'del(.ref.pipeline_uri)'; } |
	tack-status | jq -r .outcome | xargs)"
record pending '' '' '.outcome = "foreign" | .x = 1.0' >settled
is 'a settled record passes untouched' "$(cat settled)" \
    "$(tack-status <settled)"
status 'no database is EX_NOINPUT' 66 tack-status -d none.db </dev/null
status 'a full output is EX_IOERR' 74 sh -c 'tack-status <settled >/dev/full'
status 'an unknown option is EX_USAGE' 64 tack-status -x
status 'tack-events: no database is EX_NOINPUT' 66 tack-events -d none.db
status 'tack-events: a full output is EX_IOERR' 74 sh -c 'tack-events >/dev/full'
status 'tack-events: an unknown option is EX_USAGE' 64 tack-events -x

fresh
i=0
while [ "$i" -lt 1250 ]; do
	i=$((i + 1))
	echo "$i"
done | jq -c '{event: "build.running", build: {id: "u\(.)", status: "pending"},
    ref: {knot: "k", pipeline_rkey: "r\(.)", workflow: "w",
    pipeline_uri: "at://did:web:k/sh.tangled.pipeline/r\(.)"}}' >many
tack-status <many >/dev/null
is 'events of backlog all arrive, page by page' 1250 \
    "$(tack-events -c 0 | wc -l | tr -d ' ')"
is 'in few batches, yet each with its own created' 1250 \
    "$(tack-events | sed 's/^{"created":\([0-9]*\),.*/\1/' | sort -un | wc -l | tr -d ' ')"
ok 'created rises in the order sent' sh -c \
    'tack-events | sed "s/^{\"created\":\([0-9]*\),.*/\1/" | sort -nc'
followed() {
	[ "$(wc -l <followed)" -ge "$1" ]
}
tack-events -f >followed &
follower=$!
record pending | tack-status >/dev/null
until_ok followed 1251
kill "$follower"
is 'a follower gets backlog and news, each once' 1251 \
    "$(sort -u followed | wc -l | tr -d ' ')"

fresh
attempt() {
	record "$1" "" "" ".ref.attempt = $2" | tack-status | jq -r .outcome
}
is 'a cancelled workflow runs again in its next attempt' \
    'published stale published' \
    "$({ attempt cancelled 1; attempt running 1; attempt running 2; } |
    paste -sd ' ')"
is 'what comes of the attempt before is stale' 'stale stale' \
    "$({ attempt success 1; step success; } | paste -sd ' ')"
is 'the attempt is remembered' 2 \
    "$(sqlite3 -readonly tack.db 'SELECT attempt FROM status')"

fresh
polled() {
	record "$1" "$(t 00:05)" "" ".event = \"poll\" | .asked_at = $2"
}
record success "$(t 00:05)" "$(t 00:06)" | tack-status >/dev/null
now=$(date +%s)
is 'an answer from before a webhook does not undo it' stale \
    "$(polled running "$((now - 5))000" | tack-status | jq -r .outcome)"
is 'but is reason to ask again' 1 "$(marked)"
is 'an answer from after it does' published \
    "$(polled running "$((now + 5))000" | tack-status | jq -r .outcome)"
is 'and then nothing is to ask' 0 "$(marked)"

fresh
step running "$(t 00:05)" >/dev/null
step success "$(t 00:05)" "$(t 00:05)" >/dev/null
is 'an end in the second of the start is not undone by the start' stale \
    "$(step running "$(t 00:05)")"
is 'nor by what the CI said when it was asked to start' stale \
    "$(record running "$(t 00:05)" "" '.event = "spawn"' | tack-status |
    jq -r .outcome)"

fresh
is 'a reason is published without what steers a terminal; its lines stay' \
    '"a\ufffd[31mb\ufffdc d\ne"' \
    "$(record failed "$(t 00:05)" "$(t 00:06)" \
	'.build.error = "a\u001b[31mb\u202ec\td\ne"' |
    tack-status | jq -a .status.error)"

fresh
status 'a blank line is no record, and no mistake' 0 sh -c \
    'printf "\n \t\r\n" | tack-status'

fresh
is 'a last line without its end is a line' published \
    "$(printf '%s' "$(record pending)" | tack-status | jq -r .outcome)"
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null &&
    [ -z "${TACK_SANITIZE:-}" ]; then
	strace -qq -e trace=futex -o trace tack-events -f >followed &
	follower=$!
	until_ok grep -q futex trace
	step running "$(t 00:05)" >/dev/null
	until_ok followed 2
	kill "$(ps -o pid= --ppid "$follower" | tr -d " ")"
	wait "$follower"
	ok 'a follower hears the bell' \
	    grep -q 'FUTEX_WAIT.* = 0$' trace
else
	skip 'a follower hears the bell' 'strace is missing'
fi
done_testing
