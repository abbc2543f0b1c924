#!/bin/sh
# SPDX-License-Identifier: ISC
# The embedded CI: what is told of a build, what ends it, and who is next.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/local.sh"

# --- a build, and what is told of it

task one '[{name: "Build", command: "cat file; echo kept >left"},
    {command: "cat left"}]' '.clone = {depth: 1}' >one
ok 'a build is made' sh -c 'tack-local create <one >made'
ok 'it is open' jq -e '.build.state | . == "scheduled" or . == "running"' made
id=$(jq -r .build.id made)
soon 'it ends' ended "$id"
is 'it passes' passed "$(tack-local get "$id" | jq -r .build.state)"
is 'what came of it is published' 'running success' "$(events one)"
is 'the work tree is the commit' hello "$(plain 1)"
is 'steps share one work directory' kept "$(plain 2)"
is 'steps are listed with how they ended' \
    '0 Set up system ended 0|1 Build - ended 0|2 Step 2 - ended 0' \
    "$(tack-local steps "$id" | jq -r '[.steps[] | "\(.id) \(.name) " +
    "\(.kind // "-") \(.state) \(.exit)"] | join("|")')"
ok 'and when they began and ended' sh -c "tack-local steps $id |
    jq -e '[.steps[] | .started_at <= .finished_at] | all'"
ok 'the set-up says what holds the steps' \
    sh -c "tack-local log $id 0 | grep -a 'Sandbox: bubblewrap'"
is 'the same again is the same build' "$(jq -r .build.id made)" \
    "$(tack-local create <one | jq -r .build.id)"
is 'which does not run again' 'running success' "$(events one)"
ok 'a line begins with its time' sh -c "tack-local log $id 1 |
    LC_ALL=C grep -aqP '^\x1b_bk;t=\d{13}\x07hello\$'"
tack-local log "$id" 1 >whole
is 'some bytes of a log are had' "$(tail -c +6 whole | head -c 20)" \
    "$(tack-local log "$id" 1 5 20)"
is 'and how many there are' "$(wc -c <whole)" \
    "$(tack-local steps "$id" | jq '.steps[1].size')"
status 'a length that is none' 64 tack-local log "$id" 1 5 x
tail -c +6 whole >part
ok 'a log is read from an offset on' \
    sh -c "tack-local log $id 1 5 | cmp - part"
is 'beyond its end there is nothing' '' "$(tack-local log "$id" 1 100000)"
is 'nor of a step that never was' '' "$(tack-local log "$id" 7)"
ok 'the work tree is removed' \
    [ ! -e "tack.db-local/$id/work" -a ! -e "tack.db-local/$id/home" ]

went two '[{name: "Build", command: "echo out; echo err >&2; exit 3"},
    {name: "Never", command: "true"}]'
is 'the first step that fails ends it' "failed step 'Build' exited 3" "$state"
is 'stdout and stderr are one' 'out err' "$(plain 1 | paste -sd' ' -)"
is 'a step that never began is not listed' 'Set up Build' \
    "$(tack-local steps "$id" | jq -r '[.steps[].name] | join(" ")')"
is 'the failure is published with its reason' "step 'Build' exited 3" \
    "$(tack-events | jq -r 'select(.event.workflow == "two" and
    .event.status == "failed") | .event.error')"
again=$(tack-local rebuild "$id")
is 'a rebuild is another build, of the next attempt' "true $id 2" \
    "$(echo "$again" | jq -r --arg id "$id" \
    '.build | "\(.id != $id) \(.parent) \(.ref.attempt)"')"
is 'and asked for twice the same' "$(echo "$again" | jq -c '.build |
    [.id, .number, .created_at]')" "$(tack-local rebuild "$id" | jq -c '.build |
    [.id, .number, .created_at]')"
until_ok ended "$(echo "$again" | jq -r .build.id)"
went signal '[{name: "x", command: "kill -9 $$"}]'
is 'a signal is told as a shell does' "failed step 'x' exited 137" "$state"
is 'a manual run that names no commit is told that' \
    'the task names no commit, which a manual run has to' "$(task bare \
    '[{command: "true"}]' '.clone = {} | .kind = "manual" | del(.sha)' |
    tack-local create | jq -r .error)"
TACK_DB_PATH=$TMP/none.db TACK_LOCAL_DIR=$TMP/tack.db-local \
    went untold '[{command: "true"}]'
is 'a build passes where it cannot be reported' 'passed -' "$state"

# --- ends that are not its own

went slow '[{name: "s", command: "echo on; sleep 27182818'$$'"}]' \
    '.options.timeout = 5'
is 'a build ends when its time is over' 'timed_out the time is over' "$state"
is 'which is published' 'running timeout' "$(events slow)"
ok 'and said in the log' sh -c "tack-local log $id 1 | grep -a 'of 5 s is over'"
soon 'its processes are gone' gone 27182818$$
export TACK_LOCAL_TIMEOUT=1
went slow2 '[{command: "sleep 27182818'$$'"}]' '.options.timeout = 100'
is 'a workflow cannot take more time than it is given' \
    'timed_out the time is over' "$state"
unset TACK_LOCAL_TIMEOUT
went stray '[{command: "setsid sleep 16180339'$$' & echo on"}]'
is 'what a step leaves behind does not hold it up' 'passed -' "$state"
soon 'nor live on' gone 16180339$$

id=$(start cancel '[{command: "echo on; sleep 14142135'$$'"}]')
until_ok begun "$id"
is 'a build is cancelled' canceled \
    "$(tack-local cancel "$id" | jq -r .build.state)"
soon 'and its processes with it' gone 14142135$$
is 'a second time changes nothing' "$(tack-local get "$id")" \
    "$(tack-local cancel "$id")"
soon 'it is published' says '. == "running cancelled"' \
    sh -c 'tack-events | jq -c "select(.event.workflow == \"cancel\") |
    .event.status" | jq -s "join(\" \")"'

id=$(start killed '[{command: "sleep 17320508'$$'"}]')
until_ok begun "$id"
until_ok there 17320508$$
kill -9 "$(runner "$id")"
soon 'kill -9 of the runner kills the step' gone 17320508$$
soon 'the build has failed of it' ended "$id"
is 'and says so' 'failed the runner died' "$(tack-local get "$id" |
	jq -r '.build.state + " " + .build.error')"
is 'its step has ended' ended \
    "$(tack-local steps "$id" | jq -r '.steps[1].state')"
is 'and its log ends with that' 'the runner died' "$(tack-local log "$id" 1 |
	tail -n 1 | sed 's/.*'"$(printf '\007')"'//')"
is 'list says it too' failed "$(tack-local list |
	jq -r --arg id "$id" '.[].build | select(.id == $id) | .state')"

task orphan '[{command: "sleep 1; echo done"}]' >orphan
setsid sh -c 'tack-local create <orphan >orphan.made; kill -9 -$$' 2>/dev/null
id=$(jq -r .build.id orphan.made)
until_ok ended "$id"
is 'kill -9 of all the rest leaves the build alone' passed \
    "$(tack-local get "$id" | jq -r .build.state)"

id=$(start removed '[{command: "exec sleep 22360679'$$'"}]')
until_ok begun "$id"
rm -rf "tack.db-local/$id"
soon 'a build whose directory is removed ends' gone 22360679$$

mkdir -p tack.db-local/.new/work
went leftover '[{command: "true"}]'
is 'what a killed create left behind is in nobody'"'"'s way' 'passed -' "$state"

# Kill create a little later each time; what it left, the next one finds.
task torn '[{command: "true"}]' >torn
python3 - <<'PY'
import os, subprocess, time
for i in range(int(os.environ.get("TACK_LONG") and 200 or 20)):
    p = subprocess.Popen(["tack-local", "create"], stdin=open("torn"),
        stdout=subprocess.DEVNULL)
    time.sleep(i % 20 * 0.0007)
    p.kill()
    p.wait()
PY
went torn '[{command: "true"}]'
is 'kill -9 of create, anywhere, and again: one build that passes' \
    'passed - 1' "$state $(tack-local list | jq '[.[].build |
    select(.ref.workflow == "torn")] | length')"
is 'which ran once' 'running success' "$(events torn)"

# --- several at once

state_of() {
	tack-local get "$1" | jq -r .build.state
}
a=$(start qa '[{command: "sleep 600"}]')
b=$(start qb '[{command: "sleep 600"}]')
until_ok says '.build.state == "running"' tack-local get "$a"
until_ok says '.build.state == "running"' tack-local get "$b"
c=$(start qc '[{command: "sleep 600"}]')
d=$(start qd '[{command: "sleep 600"}]')
e=$(start qe '[{command: "true"}]')
is 'two run at once, the others wait' 'scheduled scheduled scheduled' \
    "$(state_of "$c") $(state_of "$d") $(state_of "$e")"
tack-local cancel "$b" >/dev/null
soon 'the first that waits is next' \
    says '.build.state == "running"' tack-local get "$c"
is 'and only that one' 'scheduled scheduled' "$(state_of "$d") $(state_of "$e")"
is 'one that waits is cancelled at once' canceled \
    "$(tack-local cancel "$d" | jq -r .build.state)"
kill -9 "$(runner "$a")"
soon 'a dead runner takes no place' ended "$e"
is 'and nobody is lost' 'passed' "$(state_of "$e")"
tack-local cancel "$c" >/dev/null
ids=$(for i in 1 2 3 4 5; do start "many$i" '[{command: "sleep 0.1"}]'; done)
for id in $ids; do until_ok ended "$id"; done
tack-local list | jq '[.[].build | select(.ref.workflow |
    startswith("many"))]' >many
is 'many end, each' 'passed passed passed passed passed' \
    "$(jq -r '[.[].state] | join(" ")' many)"
ok 'in order of arrival' jq -e 'sort_by(.number | tonumber) |
    [.[].started_at] | . == sort' many
ok 'and never more than two at once' jq -e '. as $all | all(.[]; . as $b |
    [$all[] | select(.started_at <= $b.started_at and
	.finished_at > $b.started_at)] | length <= 2)' many

# --- the tool and its provider

status 'no verb is wrong' 64 tack-local
status 'an unknown verb is wrong' 64 tack-local fly x
status 'an option is wrong' 64 tack-local -x
status 'what is not JSON is no task' 65 sh -c 'echo x | tack-local create'
status 'a full disk is told' 74 sh -c 'tack-local list >/dev/full'
status 'of a log too' 74 sh -c "tack-local log $id 0 >/dev/full"

asked() {
	jq -nc "$1" | jq -c -f "$TOP/share/providers/local/call.jq"
}
is 'a plan says where it runs' '{"build":{"org":"local","pipeline":"r"}}' \
    "$(asked '{verb: "plan", config: {}, task: {repo: {name: "r"},
    options: {timeout: 5}, workflow: {steps: [{command: "x"}]}}}')"
is 'an option that is not known is named' \
    '{"error":"tack.local: no such option: image, x"}' \
    "$(asked '{verb: "plan", task: {options: {x: 1, image: 2, timeout: 3}}}')"
for verb in create get list find cancel rebuild steps log; do
	asked "{verb: \"$verb\", task: {a: 1}, build: {id: \"I\"},
	    step: {id: \"1\"}, offset: 7}" | jq -c .exec
done >verbs
cat >want <<'EOF'
["tack-local","create"]
["tack-local","get","I"]
["tack-local","list"]
["tack-local","list"]
["tack-local","cancel","I"]
["tack-local","rebuild","I"]
["tack-local","steps","I"]
["tack-local","log","I","1","7"]
EOF
ok 'each verb is a command' diff want verbs
is 'an answer is a build' '{"builds":[{"build":{"id":"x"}}]}' \
    "$(asked '{verb: "get", answer: {status: 0, body: {build: {id: "x"}}}}')"
is 'no such build is gone' '{"gone":"g"}' \
    "$(asked '{verb: "get", answer: {status: 1, body: {gone: "g"}}}')"
is 'a busy machine is asked later' '{"wait":30}' \
    "$(asked '{verb: "create", answer: {status: 75, body: ""}}')"
done_testing
