#!/bin/sh
# SPDX-License-Identifier: ISC
# -k, for the chain that never ends: what time may cure costs no line.
. "${0%/*}/lib.sh"

TACK_DB_PATH=$TMP/tack.db
export TACK_DB_PATH

# line RKEY: a record for tack-status.
line() {
	jq -nc --arg rkey "$1" '{provider: "p", event: "e",
	    build: {id: $rkey, status: "running"},
	    ref: {knot: "k", pipeline_rkey: $rkey, workflow: "w", attempt: 1,
	    pipeline_uri: "at://did:web:k/sh.tangled.pipeline/\($rkey)"}}'
}
# Wait until a command succeeds.
awaited() {
	for _ in $(seq 600); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	note "deadline of a minute: $*"
	return 1
}
lines() {
	[ "$(grep -c . out)" -ge "$1" ]
}

line a | tack-status -k >out 2>err
is 'without a database it does not begin' '66 0' "$? $(grep -c . out)"
tack-init
{
	line a
	echo 'not a record'
	line b
} | tack-status -k >out 2>err
is 'lines go through, and a bad one is told' '1 a published b published' \
    "$? $(jq -r '.ref.pipeline_rkey, .outcome' out | paste -sd ' ')"
printf '%s' "$(line c)" | tack-status -k >out
is 'a last line without its end too' published "$(jq -r .outcome out)"

mkfifo in
tack-status -k <in >out 2>err &
filter=$!
exec 5>in
line d >&5
ok 'what comes is answered while more may come' awaited lines 1

mv tack.db away.db
line e >&5
ok 'without its database a line is held' awaited grep -q 'are held' err
line f >&5
mv away.db tack.db
ok 'and answered when it is there again' awaited lines 2
ok 'with what came meanwhile' awaited lines 3
is 'each once, in order' 'd e f' \
    "$(jq -r .ref.pipeline_rkey out | paste -sd ' ')"

: >err
flock tack.db-lock sleep 60 &
holder=$!
awaited sh -c '! flock -n tack.db-lock true'
line g >&5
awaited pgrep -P $filter
kill -9 "$(pgrep -P $filter)"
ok 'killed, it is run again' awaited grep -q 'ended with 137' err
kill $(pgrep -P $holder) $holder 2>/dev/null
ok 'and its line is answered' awaited lines 4

exec 5>&-
wait $filter
is 'its end is that of its input' 0 $?

{
	head -c 17000000 /dev/zero | tr '\0' x
	echo
	line long
} | tack-status -k >out 2>err
is 'a line that is too long harms itself alone' \
    '1 long tack-status: stdin:1: line too long' \
    "$? $(jq -r .ref.pipeline_rkey out) $(cat err)"

# A filter that ends early has written of whole batches: it is given one.
mkdir played
cp "$TOP/bin/tack-status" played/hold
cat >played/tack-status <<'EOF'
#!/bin/sh
cat >given
wc -c <given >>sizes
[ "$(wc -l <sizes)" -ne 3 ] || exit 75
cat given
EOF
chmod +x played/tack-status
yes "$(line many)" | head -n 3000 >many
played/hold -k <many >out 2>err
is 'what is held goes through, by the batch' "0 3000 0" \
    "$? $(wc -l <out) $(awk '$1 > 262144' sizes | wc -l)"
is 'and is more than one' 1 "$(awk 'NR > 3 && $1 > 0' sizes | head -n 1 | wc -l)"

(line h; sleep 1; line i; sleep 1; line j) | {
	tack-status -k 2>err
	echo $? >ended
} | head -n 1 >out
ok 'it ends when nobody reads what it writes' awaited test -s ended

echo '{}' | tack-spawn -k >out 2>err
is 'tack-spawn has it too' '0 malformed' "$? $(jq -r .outcome out)"
status 'but not with -r' 64 tack-spawn -k -r
done_testing
