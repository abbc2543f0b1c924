#!/bin/sh
# SPDX-License-Identifier: ISC
# tack-cancel before a played Buildkite: cancel, rebuild and retry for real.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

play '{"tokens": {"common": {"user": "a", "scopes": ["write_builds", "read_builds"], "orgs": null}},
  "orgs": {"acme-forge": ["tangled-ci", "frozen"]}, "no_rebuilds": ["frozen"],
  "limits": {"org": 100000, "user": 100000, "window": 60}}'
umask 077
echo common >token
TACK_BUILDKITE_TOKEN_FILE=$TMP/token
TACK_BUILDKITE_ORG=acme-forge
TACK_DB_PATH=$TMP/tack.db
cp -R "$TOP/share" .
TACK_SHARE=$TMP/share
export TACK_BUILDKITE_TOKEN_FILE TACK_BUILDKITE_ORG TACK_DB_PATH TACK_SHARE
jq '.budget = 1000000' "$TOP/share/providers/buildkite/provider.json" >share/providers/buildkite/provider.json
tack-init

# push WORKFLOW [PIPELINE]: a build of it, published.
push() {
	jq -nc --arg name "$1" --arg pipeline "${2:-tangled-ci}" '{
	  rkey: "r", nsid: "sh.tangled.pipeline", source: "knot.example.org",
	  event: {
	    triggerMetadata: { kind: "push",
	      push: { newSha: ("6" * 40), oldSha: ("2" * 40), ref: "refs/heads/main" },
	      repo: { knot: "knot.example.org", did: "did:plc:ybyha3iyrypyhxvpilnleydk",
	        repo: "lantern", defaultBranch: "main" } },
	    workflows: [{ name: $name, engine: "tack", clone: {},
	      raw: ({ tack: { buildkite: { pipeline: $pipeline } } } | tojson) }] } }' |
	    within tack-spawn -w 600 | tack-status >out
}
wish() {
	jq -nc --arg verb "$1" --arg workflow "$2" '{ $verb, ref: {
	    knot: "knot.example.org", pipeline_rkey: "r", $workflow } }' |
	    within tack-cancel 2>err | tack-status >said
	jq -r '"\(.ref.attempt // 1) \(.build.status) \(.outcome)\(if .reason then ": \(.reason)" else "" end)"' said
}
# The CI's builds of a workflow's runs, the newest last.
ids() {
	sqlite3 tack.db "SELECT build_id FROM build WHERE workflow = '$1' ORDER BY attempt"
}
move() {
	direct "build/$(ids "$1" | tail -n 1)" "{\"state\": \"$2\"}"
}
state() {
	told builds "map(select(.id == \"$(ids "$1" | tail -n 1)\"))[0].state" | tr -d '"'
}
# What the CI last sent of a workflow's newest build, or of any.
hear() {
	told hooks "map(select(.body | fromjson | .build | ${1:-true}))[-1]" |
	    jq -r '"{\"provider\":\"buildkite\",\"event\":\"\(.event)\",\"payload\":\(.body)}"' |
	    tack-resolve 2>err | tack-status |
	    jq -r '"\(.ref.attempt) \(.build.status) \(.outcome)"'
}
published() {
	sqlite3 tack.db "SELECT attempt || ' ' || status FROM status WHERE workflow = '$1'"
}

# cancel
push a
move a running
is 'a running build is cancelled' '1 running published canceling' "$(wish cancel a) $(state a)"
is 'twice is harmless' '1 running duplicate canceling' "$(wish cancel a) $(state a)"
move a canceled
is 'and it is when the CI says so' '1 cancelled published' "$(hear)"
is 'cancelled is cancelled' duplicate "$(wish cancel a | awk '{ print $3 }' | tr -d :)"
push b
move b passed
is 'what has ended meanwhile says how' '1 success published' "$(wish cancel b)"
direct config '{"faults": [{"kind": "create", "do": "429-org"}]}'
push c
had=$(told requests length)
sqlite3 tack.db 'DELETE FROM budget'
is 'what was not begun never is' '1 cancelled published 0 1 cancelled' \
    "$(wish cancel c) $(($(told requests length) - had)) $(published c)"

# rebuild
push d
move d failed
hear >out
is 'a rebuild is the next attempt, a build of its own' '2 pending published 2 2' \
    "$(wish rebuild d) $(ids d | sort -u | wc -l) $(told builds "map(select(.rebuilt_from.id == \"$(ids d | head -n 1)\") | 2)[]")"
is 'its webhook is known by its id' '2 pending duplicate' "$(hear '.rebuilt_from != null')"
is 'while it is open there is no other' 'duplicate 2' "$(wish rebuild d | awk '{ print $3 }' | tr -d :) $(ids d | wc -l)"
move d passed
is 'it opens the run anew' '2 success published' "$(hear '.rebuilt_from != null')"
is 'what comes of the first is stale' '1 failed stale' \
    "$(hear ".id == \"$(ids d | head -n 1)\"")"

push e
move e failed
hear >out
direct config '{"faults": [{"kind": "rebuild", "do": "after"}]}'
wish rebuild e >out
is 'a rebuild whose answer is lost is put off' '2 pending deferred' "$(cut -d : -f 1 out)"
is 'its webhook tells of it, without our metadata' '2 pending published' \
    "$(hear '.rebuilt_from != null')"
push f
move f failed
hear >out
direct config '{"faults": [{"kind": "rebuild", "do": "after"}]}'
wish rebuild f >out
sqlite3 tack.db 'UPDATE build SET not_before = 0'
within tack-spawn -w 600 -r | tack-status | jq -r '"\(.ref.attempt) \(.outcome)"' >out
is 'or it is found by its parent, and not made again' '2 published 1' \
    "$(cat out) $(told counts ".builds[\"rebuilt $(ids f | head -n 1)\"]")"
push g frozen
move g failed
hear >out
wish rebuild g >out
is 'a rebuild that is forbidden says why' \
    '2 failed published Buildkite: Forbidden; the token needs the scope write_builds, and its user the right' \
    "$(cat out) $(jq -r .status.error said)"
move d running
curl -s -o out -X PUT -H 'Authorization: Bearer common' \
    "$(told builds "map(select(.id == \"$(ids b)\"))[0].url" | tr -d '"' | sed "s,https://api.buildkite.com,$api,")/rebuild"
is 'a rebuild made in Buildkite is foreign' 'null null foreign' "$(hear '.rebuilt_from != null')"

# retry
push h
move h running
move h failed
hear >out
is 'what failed is tried again, in the same build' '1 running published 1 2' \
    "$(wish retry h) $(ids h | wc -l) $(told builds "map(select(.id == \"$(ids h)\"))[0].jobs | length")"
move h passed
is 'and ends anew' '1 success published' "$(hear)"
is 'a canceled build is not retried' \
    'failed: Buildkite: Jobs from canceled builds cannot be retried' "$(wish retry a | cut -d ' ' -f 3-)"

done_testing
