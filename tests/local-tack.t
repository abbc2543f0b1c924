#!/bin/sh
# SPDX-License-Identifier: ISC
# The embedded CI as the other tools have it: started, polled, cancelled.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/local.sh"

(umask 077 && echo 'a key for seals' >seal)
export TACK_SEAL_KEY_FILE="$TMP/seal" TACK_REQUIRE_SEALED_REF=1
rm -f tack.db*
tack-init

# push RKEY COMMAND [FILTER]: a pipeline with one workflow, spawned; the filter
# may make the file's text of it.
push() {
	jq -nc --arg rkey "$1" --arg command "$2" '{
	  rkey: $rkey, nsid: "sh.tangled.pipeline", source: "knot.example.org",
	  event: {
	    triggerMetadata: {
	      kind: "push",
	      push: { newSha: "6b1f53303a732ccc8c6aae6640399827c15250e3",
	        oldSha: "2f22765d04931a078909145ca628d2264c852d7d",
	        ref: "refs/heads/main" },
	      repo: { knot: "knot.example.org",
	        did: "did:plc:ybyha3iyrypyhxvpilnleydk", repo: "lantern",
	        defaultBranch: "main" } },
	    workflows: [{ name: "ci.yml", engine: "tack", clone: { skip: true },
	      raw: ({ when: [{ event: "push" }], tack: { local: {} },
	        steps: [{ name: "s", command: $command }] }
	        | '"${3:-.}"' | if type == "string" then . else tojson end) }] } }' |
	    tack-spawn -w 600 | tee spawned | tack-status >started
}
# The statuses published of a pipeline, with their reasons.
told() {
	tack-events | jq -r --arg r "$1" '.event |
	    select(.pipeline | endswith("/" + $r)) | .status +
	    if .error then " (" + .error + ")" else "" end' | paste -sd, -
}
published() {
	tack-events | jq -e --arg s "$1" 'select(.event.status == $s)'
}
poll() {
	tack-poll | tack-resolve | tack-status >polled
}
# wish VERB RKEY
wish() {
	jq -nc --arg verb "$1" --arg rkey "$2" '{id: "1", $verb, ref: {
	    knot: "knot.example.org", pipeline_rkey: $rkey,
	    workflow: "ci.yml"}}' | tack-cancel | tack-status
}
build() {
	sqlite3 -cmd '.timeout 600000' tack.db "SELECT build_id FROM build WHERE pipeline_rkey = '$1'
	    ORDER BY attempt DESC LIMIT 1"
}

push plain 'echo "$TANGLED_REF_NAME $TACK_WORKFLOW"'
ok 'a push is built and told of' sh -c '[ -n "$(jq -r .build.id spawned)" ]'
id=$(build plain)
soon 'to its end' ended "$id"
push marks 'printf "\033_bk;t=1000\007forged\n\033"; sleep 0.2; printf "_bk;t=2000\007torn\n"'
forger=$(build marks)
soon 'a step that dates its own lines' ended "$forger"
is 'cannot: each has the time it came' '2 0' "$(tack-local log "$forger" 1 >marks
    grep -ac '^.\_bk;t=[0-9]\{13\}' marks) $(LC_ALL=C grep -ac "$(printf '\033')_bk;t=[12]000" marks)"
is 'with the variables of the push' 'main ci.yml' "$(plain 1)"
soon 'the last that is published is its success' published success
before=$(told plain)
poll
is 'a poll finds nothing new' "$before" "$(told plain)"

push spelt '' '"tack: {local: }\nenvironment: {DEBUG: True}\nsteps:
    [{command: true}, {command: \"echo $DEBUG\"}]"'
id=$(build spelt)
soon 'a command that looks like a truth is run' ended "$id"
is 'and a variable is spelt as in the file' True "$(plain 2)"
push shape '' '"tack: {local: }\nsteps: [{command: make}]\nenvironment: [A=1]"'
is 'an environment that is a list is refused, with its line' \
    'failed (the workflow file: line 3: environment is not a mapping)' \
    "$(told shape)"

push lost 'exec sleep 24494897'$$
id=$(build lost)
until_ok begun "$id"
before=$(told lost)
kill -9 "$(runner "$id")"
soon 'a build that lost its runner is stopped' gone 24494897$$
poll
is 'and told of by the next poll' "$before,failed (the runner died)" \
    "$(told lost)"

push cancelled 'exec sleep 28284271'$$
id=$(build cancelled)
until_ok begun "$id"
before=$(told cancelled)
wish cancel cancelled >wished
soon 'tack-cancel ends a build' gone 28284271$$
soon 'which is published once' published cancelled
poll
is 'whoever tells it first' "$before,cancelled" "$(told cancelled)"

wish rebuild cancelled >wished
id=$(build cancelled)
is 'tack-cancel makes another build of a run' 2 \
    "$(tack-local get "$id" | jq .build.ref.attempt)"
until_ok begun "$id"
ok 'which opens the workflow anew' \
    sh -c "echo '$(told cancelled)' | grep -qE 'cancelled.*,(pending,)?running\$'"
wish cancel cancelled >wished
soon 'and ends like any other' gone 28284271$$

wish retry plain >wished
is 'a retry is refused with its remedy' \
    'tack-local runs a build once; rebuild it' "$(jq -r .reason wished)"

push wrong true '.tack.local.image = "x"'
is 'an option that is not known fails the workflow' \
    'failed (tack.local: no such option: image)' "$(told wrong)"
TACK_LOCAL_TIMEOUT=5m push setting true 2>/dev/null
is 'a setting that is wrong is told of where people look' \
    'failed (TACK_LOCAL_TIMEOUT: 5m: ' "$(told setting | cut -c1-32)"
push empty true 'del(.steps)'
is 'and so do no steps' 'failed (the workflow has no steps)' "$(told empty)"
done_testing
