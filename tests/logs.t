#!/bin/sh
# SPDX-License-Identifier: ISC
# tack-logs and tack-fetch: what they write, how they ask, who asks, and what
# goes wrong.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
py=/usr/bin/python3

# A share with a CI in it that only has logs.
mkdir -p share/providers ci
cp -R "$TOP/share/." share
cp -R "$DATA/ci" share/providers/ci
TACK_SHARE=$TMP/share
TACK_DB_PATH=$TMP/tack.db
TACK_CI_TOKEN=ci-token
(umask 077 && printf 'mask-me\nabc\n' >mask)
TACK_MASK_FILE=$TMP/mask
export TACK_SHARE TACK_DB_PATH TACK_CI_TOKEN TACK_MASK_FILE
tack-init
(cd ci && exec "$py" "$DATA/ci/ci.py" >../port) &
server=$!

until_ok test -s port
TACK_CI_API=http://127.0.0.1:$(cat port)
export TACK_CI_API

sql() {
	sqlite3 -batch -cmd '.timeout 600000' tack.db "$@"
}

# A build and its steps.
build() {
	mkdir -p "ci/$1"
	printf '{"steps":[%s]}\n' "$2" >"ci/$1/steps.new"
	mv "ci/$1/steps.new" "ci/$1/steps"
	sql "INSERT OR IGNORE INTO build (provider, build_id, knot,
	    pipeline_rkey, workflow, web_url) VALUES ('ci', '$1', 'k.example',
	    '$1', 'w.yml', 'https://ci.example/$1');"
}

# Where a run stands.
stands() {
	sql "INSERT INTO status (knot, pipeline_rkey, workflow, status,
		created_at, started_at, finished_at)
	    VALUES ('k.example', '$1', 'w.yml', '$2', 1787300912004, -1, -1)
	    ON CONFLICT DO UPDATE SET status = '$2',
		created_at = created_at + 1000;"
}

# A step of an id and a state.
step() {
	case $2 in
	pending) printf '{"id":"%s","name":"%s","state":"pending"}' "$1" "$1" ;;
	running) printf '{"id":"%s","name":"%s","state":"running",
		"started_at":"2026-08-20T12:00:00Z"}' "$1" "$1" ;;
	ended | [0-9-]*)
		printf '{"id":"%s","name":"%s","state":"ended",
		"started_at":"2026-08-20T12:00:00Z",
		"finished_at":"2026-08-20T12:01:00.5Z"%s}' "$1" "$1" \
		    "$([ "$2" = ended ] || printf ',"exit":%s' "$2")" ;;
	esac
}

logs() {
	within tack-logs k.example "$1" w.yml
}

follow() {
	within tack-logs -f k.example "$1" w.yml
}

requests() {
	grep -c "^/$1/" ci/requests
}

# What a step said, as text.
said() {
	jq -r "select(.step_id == ${2:-0} and .kind == \"data\"
	    and .stream == \"stdout\").content" "$1"
}

whole() {
	jq -es 'group_by(.step_id) | all(
	    .[0].step_status == "start" and .[-1].step_status == "end"
	    and (.[1:-1] | all(.kind == "data"))
	    and all(.time | sub("\\.[0-9]+"; "") | fromdate | . > 0)
	    and .[0].content == .[-1].content)' "$1"
}

contains() {
	grep -qF -- "$1" "$2"
}

same_size() {
	[ "$(wc -c <"$1")" -eq "$(wc -c <"$2")" ]
}

# Every fixture a step.
build all "$(for f in basic no-timestamps progress sequences torn drawn; do
	step "$f" ended; printf ,; done; step never pending)"
for f in basic no-timestamps progress sequences torn drawn; do
	cp "$DATA/buildkite/logs/$f.raw" "ci/all/$f.log"
done
stands all success
status 'a finished run' 0 within sh -c \
    'tack-logs k.example all w.yml >all.out'
ok 'has one start and one end a step, its lines between' whole all.out
is 'and none for a step that did not run' 6 \
    "$(grep -c '"start"' all.out)"
i=0
for f in basic no-timestamps progress sequences torn drawn; do
	said all.out $i >plain
	is "$f is its plain text" \
	    "$(sed -e '$a\' "$DATA/buildkite/logs/$f.plain")" "$(cat plain)"
	i=$((i + 1))
done
is 'a line has the time of its mark' 2026-08-21T08:28:32.904Z \
    "$(jq -r 'select(.content // "" | startswith("ok ")).time' all.out)"
is 'or that of its step' 2026-08-20T12:00:00Z \
    "$(jq -r 'select(.step_id == 1 and .kind == "data").time' all.out |
	sort -u)"
asked=$(requests all)
logs all >again.out
follow all >followed.out
ok 'the same comes again' cmp all.out again.out
ok 'and to a follower' cmp all.out followed.out
is 'of which the CI knows nothing' "$asked" "$(requests all)"
echo 404 >ci/all/steps
logs all >again.out
ok 'nor need it, once it has forgotten the build' cmp all.out again.out

# A run that is opened again.
build open "$(step a ended)"
echo first >ci/open/a.log
stands open failed
logs open >/dev/null
build open "$(step a ended),$(step b ended)"
echo second >ci/open/b.log
stands open success
is 'a run that was opened again is asked for again' 'first second' \
    "$(logs open | jq -r 'select(.kind == "data").content' | paste -sd' ' -)"

# How ranges come.
head -c 300 /dev/zero | tr '\0' x >hundreds
build range "$(for s in gap race overlap whole later empty; do
	step $s running; printf ,; done; step shrink running)"
for s in gap race overlap whole shrink; do
	{ echo "$s begins"; cat hundreds; echo; } >ci/range/$s.log
done
printf 'later\n' >ci/range/later.log
echo 404 >ci/range/later.do
: >ci/range/empty.log
logs range >range.1
printf 'more more\\n\nmore and more\\n\nmore yet\\n\n' >ci/range/race.do
echo more >>ci/range/gap.log
{ cat hundreds; echo; } >>ci/range/gap.log
{ echo; echo more; } >>ci/range/overlap.log
echo 'early 100' >ci/range/overlap.do
echo more >>ci/range/whole.log
echo whole >ci/range/whole.do
printf '%s\n' 'new another log\n' >ci/range/shrink.do
echo 'full' >ci/range/empty.log
logs range >range.2
logs range >range.3
i=0
for s in gap race overlap whole; do
	said range.3 $i >plain
	ok "nothing is lost or doubled: $s" cmp ci/range/$s.log plain
	i=$((i + 1))
done
is '404 is not yet' 'later' "$(said range.3 4)"
is 'nor was it before' '' "$(said range.1 4)"
is 'nor is 416' 'full' "$(said range.3 5)"
is 'a log that became shorter begins anew' 'another log' \
    "$(said range.3 6)"
ok 'a step that runs has no end yet' sh -c '! grep -q "\"end\"" range.3'

# Hostile and large.
"$py" - <<'EOP'
import os
os.mkdir("ci/large")
with open("ci/large/a.log", "wb") as f:
    f.write(b"caf\xc3\xa9 \xff\r\n10%\r20%\x1b[K\r\n")
    f.write(b"x" * (1 << 20) + b"\r\n")
    f.write(b"\x1b_never closed\r\nbWFzay1tZQ==\r\n")
with open("ci/large/b.log", "w") as f:
    for i in range(5000):
        print("line", i, "y" * 1000, file=f)
EOP
build large "$(step a ended),$(step b ended)"
stands large success
logs large >large.out
said large.out >plain
is 'what is not UTF-8 is replaced, a bar is what it came to' \
    "$(printf 'caf\303\251 \357\277\275\n20%%')" "$(head -2 plain)"
is 'a line of a megabyte comes in pieces, whole' 1048576 \
    "$(grep '^x' plain | tr -d '\n' | wc -c)"
is 'none of them too long' 65536 \
    "$(jq 'select(.content // "" | startswith("x")).content | length' \
	large.out | sort -n | tail -1)"
is 'what follows is there, without the secret in base64' \
    'never closed ***' "$(tail -2 plain | paste -sd' ' -)"
said large.out 1 >large
is 'of a huge log the end is there' 'line 4999' \
    "$(tail -1 large | cut -d' ' -f1,2)"
is 'from where a line begins' 0 \
    "$(grep -cv '^line [0-9]* y*$' large)"
is 'and what is left out is said' \
    "$(($(wc -c <ci/large/b.log) - $(wc -c <large)))" \
    "$(jq -r 'select(.stream == "stderr").content' large.out |
	tr -dc '0-9')"

# No log.
sql "INSERT INTO build (provider, knot, pipeline_rkey, workflow, verdict,
	reason) VALUES ('ci', 'k.example', 'early', 'w.yml', 'failed',
	'unknown engine \"nixery\"');"
stands early failed
logs early >early.out
ok 'a run that could not start is one step with the reason' sh -c '
    jq -S -c "del(.time)" early.out >early
    jq -S -c ".[] | del(.time) | if .step_command == \"\"
	then del(.step_command) else . end" \
	"$1" | cmp - early' - "$DATA/tangled/logs_early_failure.recommended.json"
is 'at the time of its status' 2026-08-21T08:28:32.004Z \
    "$(jq -r .time early.out | sort -u)"
build event ''
sql "INSERT INTO event (created, rkey, nsid, event)
    VALUES (1, 'r', 'sh.tangled.pipeline.status',
	'{\"pipeline\":\"at://did:web:k.example/sh.tangled.pipeline/event\",
	\"workflow\":\"w.yml\",\"error\":\"no agent\"}');"
stands event failed
sql "UPDATE status SET event = 1 WHERE pipeline_rkey = 'event';"
is 'or with the error of its status, and where to look' \
    'no agent https://ci.example/event' \
    "$(logs event | jq -r 'select(.kind == "data").content' | paste -sd' ' -)"
build quiet "$(step a ended)"
stands quiet success
is 'a step without a log says so' 'The CI has no log of this step.' \
    "$(logs quiet | jq -r 'select(.kind == "data").content')"

# Faults.
build secret "$(step a ended)"
stands secret success
TACK_CI_TOKEN=wrong status 'a CI that refuses is no empty log' 1 within sh -c \
    'tack-logs k.example secret w.yml >fault.out'
ok 'but a step' whole fault.out
is 'with what it says, and where to look' \
    'ci: 401 https://ci.example/secret' \
    "$(jq -r 'select(.kind == "data").content' fault.out | paste -sd' ' -)"
(
	unset TACK_CI_TOKEN
	logs nobody 2>/dev/null
	build token "$(step a ended)"
	logs token >token.out
)
ok 'no token: what to set' contains TACK_CI_TOKEN_FILE token.out
build denied "$(step a ended),$(step b running)"
echo one >ci/denied/a.log
echo two >ci/denied/b.log
logs denied >/dev/null
echo 403 >ci/denied/b.do
status 'refused in the middle' 1 within sh -c \
    'tack-logs -f k.example denied w.yml >denied.out'
ok 'all steps have their end' whole denied.out
is 'and what there was is there' 'one two ci: 403' \
    "$(jq -r 'select(.kind == "data").content' denied.out | head -3 |
	paste -sd' ' -)"
build broken "$(step a running)"
echo here >ci/broken/a.log
logs broken >/dev/null
echo 500 >ci/broken/a.do
status 'a CI that is down: try again' 75 within sh -c \
    'tack-logs k.example broken w.yml >broken.out'
is 'and what there was is there' 'here' "$(said broken.out)"
echo 429 >ci/broken/a.do
status 'a CI that wants to be left alone: try again' 75 within sh -c \
    'tack-logs k.example broken w.yml >broken.out'
is 'and what there was is there' 'here' "$(said broken.out)"
build other ''
sql "UPDATE build SET provider = 'buildkit' WHERE build_id = 'other';"
status 'a CI that cannot be asked is said to be so' 1 logs other

build pruned "$(step a ended)"
stands pruned success
logs pruned >/dev/null
rm -rf "$(ls -dt tack.db-logs/*/ | head -n 1)" ci/pruned
status 'a build that the CI has forgotten, and we too' 1 \
    sh -c 'timeout 60 tack-logs k.example pruned w.yml >pruned.out'
is 'is said to be gone' "The CI no longer has this build (ci: no such build), \
and no log of it is kept here." \
    "$(jq -r 'select(.kind == "data").content' pruned.out | head -n 1)"

# By hand.
build hand "$(step a ended)"
echo one >ci/hand/a.log
stands hand success
status 'tack-fetch keeps a log' 0 tack-fetch k.example hand w.yml
mv ci/hand ci/forgotten
is 'that the CI may forget from then on' one "$(logs hand |
	jq -r 'select(.kind == "data").content')"
status 'and tack-fetch knows that all is here' 0 \
    tack-fetch -f k.example hand w.yml
mv ci/forgotten ci/hand
status 'what the CI refuses is kept for tack-logs to tell' 0 \
    tack-fetch k.example other w.yml
status 'no such run to fetch' 66 tack-fetch k.example none w.yml
status 'to fetch, used wrongly' 64 tack-fetch -rf
refused=0
for request in '' '{}' '[1' '{"ref":{"knot":"k","pipeline_rkey":"r"}}'; do
	printf '%s\n' "$request" | tack-fetch -r >answer 2>/dev/null
	[ $? -ne 1 ] || [ -s answer ] || refused=$((refused + 1))
done
is 'a request that is none is refused' 4 $refused
ok 'who takes logs apart knows no network' \
    sh -c '! readelf -d "$1" | grep -E "NEEDED.*(curl|ssl|crypto)"' - \
    "$TOP/bin/tack-logs"

# A CI that is a program, of which only so much is taken.
mkdir share/providers/flood
jq 'del(.api)' share/providers/ci/provider.json >share/providers/flood/provider.json
cat >share/providers/flood/call.jq <<'EOP'
if has("answer") then .answer.body
elif .verb == "log" then
	{ exec: ["head", "-c", "\(34 * 1048576)", "/dev/zero"] }
else { exec: ["cat"], input: { steps: [{ id: "a", state: "running" }] } } end
EOP
build flood ''
sql "UPDATE build SET provider = 'flood' WHERE build_id = 'flood';"
status 'an answer that is too long is refused for good' 1 \
    sh -c 'timeout 60 tack-logs k.example flood w.yml >flood.out'
is 'by its limit' 'the program wrote more than 32 MiB' \
    "$(jq -r 'select(.kind == "data").content' flood.out | head -n 1)"

# Is there such a run?
tack-logs -b k.example all w.yml >begun.out
is '-b: an empty line comes first' '' "$(head -n 1 begun.out)"
ok 'then the log' sh -c 'tail -n +2 begun.out | cmp - all.out'
is 'but none of a run that there is not' '' \
    "$(tack-logs -b k.example all other.yml 2>/dev/null | wc -c | grep -v 0)"
status 'no such run' 66 tack-logs k.example all other.yml
is 'which may be to come, or pruned' \
    'tack-logs: no such run: not known here yet, or no longer' \
    "$(tack-logs k.example all other.yml 2>&1)"
status 'no database' 66 tack-logs -d none.db k.example all w.yml
status 'used wrongly' 64 tack-logs k.example all
status 'nobody takes it' 74 sh -c \
    'exec tack-logs k.example all w.yml >/dev/full'

# Following.
sql "INSERT INTO build (provider, knot, pipeline_rkey, workflow)
    VALUES ('ci', 'k.example', 'wait', 'w.yml');"
is 'a run that has not begun has no lines' '' "$(logs wait 2>wait.err)"
is 'and that is said' 'tack-logs: this run has no log yet' "$(cat wait.err)"
tack-logs -bf k.example wait w.yml >waits &
waits=$!
ok 'and is said to be there' until_ok test -s waits
kill $waits
wait $waits 2>/dev/null
begun=$(ms)
for v in 1 2 3 4 5 6 7 8 9 10 11 12; do
	follow wait >wait.$v 2>wait.err &
	eval "viewer$v=\$!"
done
build wait "$(step a running)"
printf 'one\ntwo\n' >ci/wait/a.log
sql "UPDATE build SET build_id = 'wait' WHERE pipeline_rkey = 'wait';"
soon 'who follows a run sees it begin' contains two wait.1
soon 'and so does everybody' contains two wait.12

# The process that fetches what was begun last: it holds the lock.
fetcher() {
	kept=$(stat -c %i "$(ls -dt tack.db-logs/*/ | head -1)")
	awk -v inode="$kept" '$2 == "FLOCK" && $6 ~ ":" inode "$" { print $5 }' \
	    /proc/locks
}
fetched() {
	[ -n "$(fetcher)" ]
}
until_ok fetched
holder=$(fetcher)
ok 'one of them fetches' test "$(echo "$holder" | wc -w)" -eq 1
kill -9 "$holder"
printf 'three\nmask-' >>ci/wait/a.log
soon 'when it is killed another does' contains three wait.1
soon 'for everybody' contains three wait.12
until_ok fetched
parent=$(awk '{ print $4 }' "/proc/$(fetcher)/stat")
kill -9 "$parent"
printf 'me, four\n' >>ci/wait/a.log
build wait "$(step a ended)"
stands wait success
ended=0
for v in 1 2 3 4 5 6 7 8 9 10 11 12; do
	eval "wait \$viewer$v" 2>/dev/null && ended=$((ended + 1))
done
is 'all but who was killed saw it to its end' 11 "$ended"
logs wait >wait.out
alike=0
for v in 1 2 3 4 5 6 7 8 9 10 11 12; do
	cmp -s wait.out wait.$v && alike=$((alike + 1))
done
is 'and saw the same' 11 "$alike"
is 'a secret is masked, torn as it was' 'one two three ***, four' \
    "$(said wait.out | paste -sd' ' -)"
ok 'and is not on the disk' sh -c '! grep -r -q mask-me tack.db-logs'
asked=$(grep -c '^/wait/steps' ci/requests) spent=$((($(ms) - begun) / 1000))
note "the CI was asked $asked times in $spent s"
# Each would have asked once, and every other second; one has done so.
ok 'and the CI was not asked by each' test "$asked" -lt $((12 + spent / 2))

# Killed at any time, and again, the whole is whole. TACK_LONG=1 is longer.
"$py" -c 'for i in range(3000): print("line", i, "mask-me" * (i % 3))' >lines
build kill "$(step a running)"
: >ci/kill/a.log
rounds=20 at=1
[ -z "${TACK_LONG:-}" ] || rounds=300
for i in $(seq $rounds); do
	tail -c "+$at" lines | head -c 4001 >>ci/kill/a.log
	at=$((at + 4001))
	tack-logs k.example kill w.yml >/dev/null 2>&1 &
	viewer=$!
	sleep "0.0$((i * 7 % 10))"
	kill -9 $viewer 2>/dev/null
	wait $viewer 2>/dev/null
done
tail -c "+$at" lines >>ci/kill/a.log
build kill "$(step a ended)"
stands kill success
logs kill >kill.out
said kill.out >plain
sed -E 's/(mask-me)+/***/' lines | cmp - plain
is 'a log is whole, however often who fetched was killed' 0 $?
ok 'and no secret on the disk' sh -c '! grep -rq mask-me tack.db-logs'

# A viewer that does not read.
build stuck "$(step a running)"
"$py" -c 'for i in range(20000): print("line", i)' >ci/stuck/a.log
mkfifo pipe
sleep 36000 <>pipe &
sleeper=$!
follow stuck >pipe &
stuck=$!
until_ok test -s ci/requests
follow stuck >stuck.out &
free=$!
soon 'one that does not read' contains 'line 19999' stuck.out
build stuck "$(step a ended)"
stands stuck success
wait $free
is 'keeps nobody from the end' 0 $?
kill $stuck $sleeper
wait $stuck $sleeper 2>/dev/null

# A reader that leaves.
build left "$(step a running)"
echo first >ci/left/a.log
is 'one that leaves' first \
    "$(follow left | sed -n '2{p;q}' | jq -r .content)"
nobody_fetches() {
	[ -z "$(fetcher)" ]
}

soon 'takes who fetches along' nobody_fetches

# Fetched by another process, that has the token and the network.
socat UNIX-LISTEN:socket,fork,mode=600 "EXEC:tack-fetch -r,nofork" &
remote=$!
until_ok test -S socket
build remote "$(step a running)"
printf 'one\n' >ci/remote/a.log
(
	unset TACK_CI_TOKEN TACK_CI_API
	export TACK_LOGS_SOCKET="$TMP/socket"
	logs remote >remote.1
	follow remote >remote.2 &
	first=$!
	follow remote >remote.3 &
	until_ok contains one remote.2
	until_ok fetched
	kill -9 "$(fetcher)"
	printf 'two\n' >>ci/remote/a.log
	until_ok contains two remote.3
	build remote "$(step a ended)"
	stands remote success
	wait $first
	echo $? >remote.status
	wait
)
is 'another process fetches over a socket' one "$(said remote.1)"
is 'for all who look on, and when it is killed another does' \
    'one two one two' "$(said remote.2 | paste -sd' ' -) $(
	said remote.3 | paste -sd' ' -)"
is 'to the end' 0 "$(cat remote.status)"
build gone "$(step a running)"
echo one >ci/gone/a.log
(
	export TACK_LOGS_SOCKET="$TMP/socket"
	follow gone | sed -n '2{p;q}' >/dev/null
)
soon 'and ends when nobody looks on' nobody_fetches
status 'nobody to fetch: try again' 75 \
    env TACK_LOGS_SOCKET=none tack-logs k.example gone w.yml
kill $remote
wait $remote 2>/dev/null

# For people.
build people "$(step unit ended)"
printf '\033_bk;t=1787300912004\a\tok\342\200\256 1\302\233\177\n' >ci/people/unit.log
is 'tack logs is for people' "$(printf '12:00:00 == unit
08:28:32 \tok\357\277\275 1\357\277\275\n12:01:00 == unit, end')" "$(tack logs people)"
ok 'nor does a byte of tack-logs steer a terminal' within sh -c '
    tack-logs k.example people w.yml | LC_ALL=C tr -d "\n -~" |
	cmp - /dev/null'
build exits "$(step unit 2),$(step gone -1),$(step good 0)"
stands exits failed
is 'a step ends with its exit status' '2 -1 0' \
    "$(logs exits | jq -r 'select(.step_status == "end").step_exit' | paste -sd' ' -)"
is 'people are told, too' '== unit, exit 2' \
    "$(tack logs exits | grep -o '== unit, .*')"
TACK_CI_TOKEN=wrong status 'and has the exit status of tack-logs' 1 \
    tack logs secret
status 'no such run' 66 tack logs none

# A newer attempt.
build old "$(step a ended)"
echo old >ci/old/a.log
stands old failed
build new "$(step a ended)"
echo new >ci/new/a.log
sql "DELETE FROM build WHERE build_id = 'new';
    INSERT INTO build (provider, build_id, knot, pipeline_rkey, workflow,
	attempt) VALUES ('ci', 'new', 'k.example', 'old', 'w.yml', 2);"
is 'the newest attempt is the run' new \
    "$(logs old | jq -r 'select(.kind == "data").content')"

kill $server
wait $server 2>/dev/null
done_testing
