#!/bin/sh
# SPDX-License-Identifier: ISC
# The embedded CI and the disk: full, damaged, or with much on it.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/local.sh"

# open_: the builds that something is left to do for.
open_() {
	find "$TACK_DB_PATH-local/open" -type f | wc -l
}
shut() {
	[ "$(open_)" -eq 0 ]
}
left() {
	(cd "$TACK_DB_PATH-local/$1" && ls -d work home tmp reserve 2>/dev/null |
		paste -sd' ' -)
}

# --- a full disk

mkdir small
if mount -t tmpfs -o size=24m,nr_inodes=3000,mode=711 tmpfs small 2>/dev/null; then
	export TACK_DB_PATH="$TMP/small/tack.db"
	tack-init
	went fill '[{command: "cat /dev/zero >x; cat /dev/zero >y; sleep 60"},
	    {command: "true"}]'
	is 'a step that fills the disk ends with its build' \
	    'failed the disk is full' "$state"
	is 'which is published' 'running failed' "$(events fill)"
	ok 'the log says so' sh -c "tack-local log $id 1 |
	    grep -a 'stopped, the disk is full'"
	is 'and it is empty again' '' "$(left "$id")"
	went files '[{command: "i=0; while : >$i; do i=$((i + 1)); done; sleep 60"}]' \
	    '.options.timeout = 60'
	is 'so it is with files that are many' 'failed the disk is full' "$state"
	went after '[{command: "true"}]'
	is 'the next build runs' 'passed -' "$state"
	TACK_LOCAL_FREE=24 went free '[{command: "echo ran"}]'
	is 'TACK_LOCAL_FREE says what is to be left' \
	    'failed the disk is full' "$state"

	id=$(start dead '[{command: "while [ ! -e go ]; do sleep 0.1; done;
	    cat /dev/zero >x; sleep 600"}]')
	until_ok begun "$id"
	kill -STOP "$(runner "$id" small/)"
	touch "small/tack.db-local/$id/work/go"
	until_ok says '. < 8' sh -c 'df --output=avail small | tail -n 1'
	kill -KILL "$(runner "$id" small/)"
	is 'a build whose runner dies of a full disk has failed' \
	    'failed the runner died' "$(tack-local get "$id" |
		jq -r '.build.state + " " + .build.error')"
	is 'and is cleaned first' '' "$(left "$id")"

	id=$(start nowhere '[{command: "sleep 600"}]')
	until_ok begun "$id"
	kill -STOP "$(runner "$id" small/)"
	rm -f "small/tack.db-local/$id/reserve"
	cat /dev/zero >small/other 2>/dev/null
	kill -KILL "$(runner "$id" small/)"
	status 'where there is no room at all, list answers' 0 tack-local list
	is 'and tells what it could not write' 'failed' "$(tack-local get "$id" |
		jq -r .build.state)"
	rm small/other
	tack-local list >/dev/null
	is 'until there is room' 'failed 0' \
	    "$(jq -r .build.state "small/tack.db-local/$id/state.json") $(open_)"
	export TACK_DB_PATH="$TMP/tack.db"
	umount small
else
	note 'no file system of a size can be mounted here'
fi

# --- a runner that is killed near the end

id=$(start late '[{command: "head -c 1000000 /dev/zero >big"}]')
flock -F tack.db-lock sleep 600 &
holder=$!
until_ok says '.build.state == "passed"' cat "tack.db-local/$id/state.json"
is 'what is said of a build is said when nothing is left' '' "$(left "$id")"
kill -KILL "$(runner "$id")"
kill "$holder"
is 'a runner killed while it tells is no failure' passed \
    "$(tack-local get "$id" | jq -r .build.state)"
soon 'and leaves nothing to do' says '. == 0' sh -c 'tack-local list >/dev/null
    ls tack.db-local/open | wc -l'
is 'and the list has it' passed "$(tack-local list | jq -r --arg id "$id" \
    '.[].build | select(.id == $id) | .state')"

went wiped '[{command: "true"}]'
soon 'an ended build is closed' shut
state=tack.db-local/$id/state.json
mkdir "tack.db-local/$id/work"
chmod 0 "tack.db-local/$id/work"
touch "tack.db-local/open/$id"
jq -c '.outcome = .build | .build |= (del(.finished_at) | .state = "running")' \
    "$state" >new && cp new "$state"
is 'a runner killed while it cleans up has said what came of it' passed \
    "$(tack-local get "$id" | jq -r .build.state)"
is 'the rest is cleaned by who looks' ' 0' "$(left "$id") $(open_)"

# --- files that are damaged or gone

went damaged '[{command: "true"}]'
damaged=$id
went whole '[{command: "true"}]'
soon 'both are closed' shut
printf '{"pid"' >"tack.db-local/$damaged/state.json"
status 'a damaged state does not stop the list' 0 tack-local list
is 'which has the others' passed "$(tack-local list 2>/dev/null |
	jq -r --arg id "$id" '.[].build | select(.id == $id) | .state')"
status 'nor a new build' 0 sh -c 'jq -c ".ref.workflow = \"next\"" |
    tack-local create' <<EOF
$(task x '[{command: "true"}]')
EOF
is 'the damaged one is gone, to who asks for it' \
    'the build is damaged' "$(tack-local get "$damaged" 2>/dev/null |
	jq -r .gone)"
ok 'and its file is named' sh -c "tack-local get $damaged 2>&1 >/dev/null |
    grep '$damaged/state.json: damaged'"
mkdir "tack.db-local/$damaged/work"
touch "tack.db-local/open/$damaged"
tack-local list >/dev/null 2>&1
is 'if it was open, it is cleaned and closed' '' "$(left "$damaged")"
rm -rf "tack.db-local/$damaged"
touch tack.db-local/open/00000000000000000000000000000000
tack-local list >/dev/null
is 'what was removed leaves the index' 0 \
    "$(find tack.db-local/open tack.db-local/ended -name "$damaged" -o \
	-name '0000*' | wc -l)"

# --- many builds

soon 'all are closed' shut
tack-local list | jq -S 'map(.build.id) | sort' >before
rm -r tack.db-local/open tack.db-local/ended
tack-local list | jq -S 'map(.build.id) | sort' >after
ok 'an index that is missing is made of the builds there are' \
    cmp before after
is 'which are closed again' 0 "$(open_)"
mkdir tack.db-local/ended/2026-01-01
for i in $(seq 100 300); do
	old=00000000000000000000000000000$i
	mkdir "tack.db-local/$old"
	echo damaged >"tack.db-local/$old/state.json"
	touch "tack.db-local/$old/lock" "tack.db-local/ended/2026-01-01/$old"
done
went more '[{command: "true"}]'
is 'a list reads none of the builds of long ago' '' \
    "$(tack-local list 2>&1 >/dev/null)"
is 'nor does a new build' '' "$(cat "tack.db-local/$id/runner.log")"
today=$(date -u +%Y-%m-%d)
mkdir -p "tack.db-local/ended/$today"
for i in $(seq 100 300); do
	old=00000000000000000000000000000$i
	touch -d '2 days ago' "tack.db-local/$old/state.json"
	mv "tack.db-local/ended/2026-01-01/$old" "tack.db-local/ended/$today"
done
is 'and of a day none that was written before' '' \
    "$(tack-local list "$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%SZ)" 2>&1 \
    >/dev/null)"

# --- output

went volume '[range(5) | {command: "head -c 67000000 /dev/zero"}]'
is 'a build may print much' 'passed -' "$state"
ok 'what it prints is bounded as a whole' sh -c "
    [ \$(cat tack.db-local/$id/*.log | wc -c) -le $((257 << 20)) ]"
ok 'and the log says so' sh -c "tack-local log $id 5 | tail -c 200 |
    grep -a 'more than 256 MiB of output in all; the rest is left out'"
done_testing
