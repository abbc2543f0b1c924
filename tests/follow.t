#!/bin/sh
# SPDX-License-Identifier: ISC
# The example that follows a knot, before an event stream of the same kind.
. "$(dirname "$0")/lib.sh"

tack-init
tack-http -l 127.0.0.1:0 2>log &
server=$!
trap 'kill $server $follow 2>/dev/null' EXIT
knot=$(address log)

# announce RKEY DID [KNOT]
announce() {
	event=$(jq -nc --arg did "$2" --arg knot "${3:-$knot}" '{
	    triggerMetadata: {kind: "push",
		push: {ref: "refs/heads/main", newSha: ("a" * 40)},
		repo: {knot: $knot, did: $did, repo: "r"}},
	    workflows: [{name: "ci.yml", raw: "engine: x"}]}')
	sqlite3 tack.db "INSERT INTO event (created, rkey, nsid, event)
	    VALUES ($(date +%s%N), '$1', 'sh.tangled.pipeline', '$event')"
}
announce 3aaa did:plc:ours
announce 3bbb did:plc:theirs
announce 3ccc did:plc:ours other.example
TACK_DEV=1 "$TOP/share/examples/follow" cursor "$knot" did:plc:ours \
    >out 2>err &
follow=$!
many() {
	[ "$(grep -c . out)" -ge "$1" ]
}
lines() {
	until_ok many "$1"
	jq -r .rkey out | paste -sd ' '
}
is 'what our repositories announce comes, and nothing else' 3aaa "$(lines 1)"
announce 3ddd did:plc:ours
is 'so does what follows' '3aaa 3ddd' "$(lines 2)"
is 'tack-spawn takes it' 'ci.yml ci.yml' \
    "$(tack-spawn <out 2>/dev/null | jq -r .ref.workflow | paste -sd ' ')"
ok 'the cursor is kept' test "$(cat cursor)" -gt 1000000000000000000
note 'a reader that is gone, and a cursor that cannot be torn'
kill $follow
rm -f cursor
{
	TACK_DEV=1 "$TOP/share/examples/follow" cursor "$knot" did:plc:ours \
	    2>err
	echo $? >ended
} | head -n 1 >first &
announce 3eee did:plc:ours
is 'it ends when nobody reads what it writes' 74 "$(
	for _ in $(seq 300); do
		[ -s ended ] && break
		announce "3fff$(date +%N)" did:plc:ours
		sleep 0.1
	done
	cat ended)"
is 'and blames no network' '' "$(grep -i pipe err)"
status 'without a knot and owners there is only its usage' 1 \
    "$TOP/share/examples/follow" cursor
done_testing
