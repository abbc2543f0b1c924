#!/bin/sh
# SPDX-License-Identifier: ISC
# Rounds before a played Buildkite: pages, budgets, faults, and cron's round.
# What becomes of lost webhooks is heal.t's.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"
. "$TOP/tests/rows.sh"

umask 077
play '{
  "tokens": {"bkua_common": {"user": "a", "scopes": ["write_builds", "read_builds"], "orgs": null}},
  "orgs": {"acme": ["ci", "other"]}, "cancel": "canceled",
  "limits": {"org": 100000, "user": 100000, "window": 60}}'
echo bkua_common >token
TACK_BUILDKITE_TOKEN_FILE=$TMP/token
cp -R "$TOP/share" .
TACK_SHARE=$TMP/share
export TACK_BUILDKITE_TOKEN_FILE TACK_SHARE
budget() {
	jq ".budget = $1" "$TOP/share/providers/buildkite/provider.json" \
	    >share/providers/buildkite/provider.json
}
budget 10000
tack-init -d new
fresh() {
	rm -f tack.db*
	cp new tack.db
}
fresh

query() {
	sqlite3 tack.db "$1"
}

# build [workflow]: have the CI make one for it; its id and number.
build() {
	curl -s -m "$PATIENCE" -H 'Authorization: Bearer bkua_common' \
	    -H 'Content-Type: application/json' -d "{\"commit\": \"c\",
	    \"branch\": \"main\", \"meta_data\": {\"tack:knot\": \"k\",
	    \"tack:pipeline_rkey\": \"r\", \"tack:workflow\": \"$1\"}}" \
	    "$api/v2/organizations/acme/pipelines/ci/builds" |
	    jq -r '"\(.id) \(.number)"'
}

# run workflow id number [status]: our row of it, ten minutes old.
run() {
	build_row provider=buildkite build_id="$2" workflow="$1" number="$3" \
	    org=acme pipeline=ci created_at:='unixepoch() - 600'
	[ -z "${4:-}" ] || status_row workflow="$1" status="$4"
}

round() {
	tack-poll 2>log | tack-resolve 2>>log | tack-status 2>>log
}

requests() {
	told counts '[.requests[]] | add // 0'
}

# requests_of command...: how many it took.
requests_of() {
	before=$(requests)
	"$@" >out
	echo $(($(requests) - before))
}

# The worst: builds that are in no list
fresh
i=0
while [ $i -lt 14 ]; do
	i=$((i + 1))
	run "g$i" "gone$i" $((9000 + i)) running
done | sqlite3 tack.db
took=$(requests_of round)
note "P4: the worst round took $took requests; at one in 30 s $((took * 2)) a minute"
ok 'P4 the worst is 25 a minute at most' [ $((took * 2)) -le 25 ]

# A hundred builds, and pages
fresh
i=0
while [ $i -lt 110 ]; do
	i=$((i + 1))
	build "w$i"
done >built
i=0
while read -r id number; do
	i=$((i + 1))
	[ $i -gt 100 ] || run "w$i" "$id" "$number" pending
done <built | sqlite3 tack.db
for number in $(head -n 60 built | cut -d' ' -f2); do
	curl -s -m "$PATIENCE" -X POST -d '{"state": "passed"}' "$api/_/build/$number"
done >/dev/null
took=$(requests_of round)
note "P4: a round for 100 builds took $took requests"
is 'P4 a hundred builds are two requests' 2 "$took"
is 'each with its end' '40 pending,60 success' \
    "$(query "SELECT count(*) || ' ' || status FROM status
	WHERE workflow IN (SELECT workflow FROM build WHERE id <= 100)
	GROUP BY status ORDER BY 1" | paste -sd,)"
is 'those that nobody knew are found by their metadata' 110 \
    "$(query 'SELECT count(*) FROM build')"
for number in $(tail -n 50 built | cut -d' ' -f2); do
	curl -s -m "$PATIENCE" -X POST -d '{"state": "running"}' "$api/_/build/$number"
	curl -s -m "$PATIENCE" -X POST -d '{"state": "failed"}' "$api/_/build/$number"
done >/dev/null
took=$(requests_of round)
is 'a second page is a third request' 3 "$took"
is 'and all have ended' 0 \
    "$(query "SELECT count(*) FROM status WHERE status NOT IN ('success', 'failed')")"

# Too many requests
fresh
run w "$(sed -n '1s/ .*//p' built)" 2 running | sqlite3 tack.db
direct config '{"faults": [{"kind": "list", "do": "429-user", "times": 1}]}'
status 'P4 429 puts the round off' 75 sh -c 'tack-poll >out 2>log'
query 'UPDATE budget SET until = until + 300000'
took=$(requests_of tack-poll 2>>log)
is 'P4 and is obeyed: the next round asks nothing' 0 "$took"
query 'UPDATE budget SET until = 0, tokens = 10000000'
ok 'until its time is over' [ "$(requests_of tack-poll 2>>log)" -ge 2 ]
budget 4
fresh
run w "$(sed -n '1s/ .*//p' built)" 2 running | sqlite3 tack.db
i=0
before=$(requests) began=$(ms)
while [ $i -lt 5 ]; do
	i=$((i + 1))
	tack-poll >out 2>log
done
took=$(($(requests) - before)) spent=$((($(ms) - began) / 1000))
note "$took requests of a budget of 4 in $spent s"
# Of four, and of one more each 15 seconds, 0.8 are left.
ok 'a round leaves a fifth of the budget to what is urgent' \
    [ "$took" -ge 3 -a "$took" -le $((3 + (spent + 3) / 15)) ]
budget 10000
for fault in 502 empty truncated before; do
	fresh
	run w "$(sed -n '1s/ .*//p' built)" 2 running | sqlite3 tack.db
	direct config "{\"faults\": [{\"kind\": \"list\", \"do\": \"$fault\"}]}"
	status "an answer that is $fault puts the round off" 75 \
	    sh -c 'tack-poll >out 2>log'
	is "and does not move the window after $fault" '' \
	    "$(query 'SELECT at FROM poll')"
done
echo bkua_old >token
status 'a token that is not valid is 1' 1 sh -c 'tack-poll >out 2>log'
ok 'and the message names the remedy' grep -q 'TACK_BUILDKITE_TOKEN' log
ok 'but not the token' sh -c '! grep -q bkua_ log out'
echo bkua_common >token

# The whole round
fresh
read -r id number <<END
$(build late)
END
run late "$id" "$number" running | sqlite3 tack.db
direct "build/$number" '{"state": "failed"}'
ok 'tack-reconcile is silent' sh -c 'tack-reconcile >said 2>&1 && ! test -s said'
is 'and does the round' failed \
    "$(query "SELECT status FROM status WHERE workflow = 'late'")"
echo bkua_old >token
status 'its exit status is the worst of all' 1 sh -c 'tack-reconcile >said 2>&1'
exec 8>>tack.db-round
flock -n 8
status 'a round at work does for another' 0 sh -c 'tack-reconcile >said 2>&1'
exec 8>&-
status 'no database is EX_NOINPUT' 66 tack-reconcile -d none.db
status 'an argument is EX_USAGE' 64 tack-reconcile x
status '-h is help' 0 tack-reconcile -h
done_testing
