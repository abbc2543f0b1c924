#!/bin/sh
# SPDX-License-Identifier: ISC
# The embedded CI: what runs, what ends it, and what a step cannot reach.
. "$(dirname "$0")/lib.sh"

unset TACK_LOCAL_DIR TACK_LOCAL_TIMEOUT TACK_LOCAL_JOBS TACK_LOCAL_SANDBOX \
    TACK_LOCAL_NETWORK TACK_LOCAL_PULLS TACK_LOCAL_USER TACK_LOCAL_MEMORY \
    TACK_LOCAL_PROCESSES
if ! command -v git >/dev/null || ! bwrap --unshare-user --disable-userns \
    --ro-bind / / true 2>/dev/null; then
	echo '1..0 # SKIP git or bubblewrap is missing, or may not run here'
	exit 0
fi

# Builds of root's are nobody's, who has to get here.
chmod 711 "$TMP"
export TACK_DB_PATH="$TMP/tack.db" TACK_DEV=1
tack-init
git init -q repo
git -C repo config user.name tack
git -C repo config user.email tack@knot.example
echo hello >repo/file
git -C repo add file
git -C repo commit -qm one
sha=$(git -C repo rev-parse HEAD)

# task WORKFLOW STEPS [FILTER]: a task; STEPS and FILTER are jq.
task() {
	jq -nc --arg w "$1" --arg sha "$sha" --arg url "file://$TMP/repo" \
	    '{ref: {knot: "knot.example", pipeline_rkey: "3mtj73ais6k22",
	    workflow: $w, attempt: 1}, kind: "push",
	    repo: {name: "repo", url: $url}, sha: $sha, clone: {skip: true},
	    env: {CI: "true", TANGLED_SHA: $sha}, options: {},
	    workflow: {steps: '"$2"'}} | '"${3:-.}"
}

# start WORKFLOW STEPS [FILTER]: the id of a build that is made.
start() {
	task "$@" | tack-local create | jq -r .build.id
}

# until_ FILTER COMMAND...: run it until its answer fits, 20 s at most.
until_() {
	for _ in $(seq 400); do
		said=$(filter=$1 && shift && "$@" | jq -r "$filter")
		[ "$said" != true ] || return 0
		sleep 0.05
	done
	echo "never: $*"
	return 1
}

ended() {
	for _ in $(seq 400); do
		case $(tack-local get "$1") in
		*'"state":"scheduled"'*|*'"state":"running"'*) ;;
		*)	return 0 ;;
		esac
		sleep 0.05
	done
	return 1
}

# went WORKFLOW STEPS [FILTER]: set id to a build that has ended.
went() {
	id=$(start "$@")
	ended "$id"
	state=$(tack-local get "$id" | jq -r '.build.state + " " +
	    (.build.error // "-")')
}

plain() {
	tack-local log "$id" "$1" |
		LC_ALL=C sed 's/^\x1b_bk;t=[0-9]*\x07//'
}

# events WORKFLOW: the statuses published.
events() {
	tack-events | jq -r --arg w "$1" '.event | select(.workflow == $w) |
	    .status' | paste -sd' ' -
}

# Wait, bounded, until no process has the word in its arguments.
gone() {
	for _ in $(seq 200); do
		grep -lzx "$1" /proc/[0-9]*/cmdline >/dev/null 2>&1 ||
			return 0
		sleep 0.05
	done
	return 1
}

runner() {
	jq .pid "tack.db-local/$1/state.json"
}

# --- a build, and what is told of it

task one '[{name: "Build", command: "cat file; echo kept >left"},
    {command: "cat left"}]' '.clone = {depth: 1}' >one
ok 'a build is made' sh -c 'tack-local create <one >made'
is 'it is scheduled' scheduled "$(jq -r .build.state made)"
id=$(jq -r .build.id made)
ok 'it ends' ended "$id"
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
is 'and asked for twice the same' "$again" \
    "$(tack-local rebuild "$id" | jq -c '.build.state = "scheduled" |
    del(.build.started_at)' )"
ended "$(echo "$again" | jq -r .build.id)"
went signal '[{name: "x", command: "kill -9 $$"}]'
is 'a signal is told as a shell does' "failed step 'x' exited 137" "$state"
TACK_DB_PATH=$TMP/none.db TACK_LOCAL_DIR=$TMP/tack.db-local \
    went untold '[{command: "true"}]'
is 'a build passes where it cannot be reported' 'passed -' "$state"

# --- the environment, and what a step can reach

echo s3cret-of-tack >secret
chmod 600 secret
export TACK_BUILDKITE_TOKEN=s3cret-of-tack
went env '[{command: "env | sort", environment: {STEP: "1", BOTH: "step"}}]' \
    '.workflow.environment = {FLOW: 2, BOTH: "flow", CI: "no", YES: true}'
cat >want <<EOF
BOTH=step
CI=true
FLOW=2
HOME=/home/build
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
STEP=1
TANGLED_SHA=$sha
YES=true
EOF
is 'the environment is what was asked for and no more' "$(cat want)" \
    "$(plain 1 | grep -vE '^(PWD|SHLVL|_|OLDPWD)=')"
went proc '[{command: "cat /proc/*/environ /proc/*/cmdline | tr \"\\0\" \"\\n\"; ls -l /proc/*/fd"}]'
ok 'and no process in sight has ours' \
    sh -c "! tack-local log $id 1 | grep -aE 's3cret|$TMP|TACK_'"
unset TACK_BUILDKITE_TOKEN

cat >prying <<EOF
for path in $TMP/tack.db $TMP/secret $TMP/tack.db-local $TMP/repo/file /root \
    /etc/shadow /etc/ssh /var/lib /var/log /run/systemd /sys /mnt /srv \
    /proc/1/root/root /proc/1/cwd/tack.db; do
	[ ! -e \$path ] || echo "there: \$path"
done
for path in /usr/x /etc/x /bin/x /x /home/x /dev/x /proc/x; do
	{ echo >\$path; } 2>/dev/null && echo "written: \$path"
done
for path in /work/x /tmp/x /var/tmp/x /dev/shm/x \$HOME/x; do
	{ echo >\$path; } 2>/dev/null || echo "not written: \$path"
done
[ "\$(sed -n 's/NoNewPrivs:\t//p' /proc/self/status)" = 1 ] || echo privileges
[ "\$(sed -n 's/CapEff:\t//p' /proc/self/status)" = 0000000000000000 ] ||
	echo capabilities
unshare -U true 2>/dev/null && echo 'a user namespace'
[ "\$(ls /proc | grep -c '^[0-9]')" -lt 10 ] || echo processes
[ "\$(id -u)" = 1000 ] || echo "user \$(id)"
[ "\$(hostname)" = build ] || echo "host \$(hostname)"
mount --bind /tmp /usr 2>/dev/null && echo mounted
for path in kernel/core_pattern kernel/modprobe vm/swappiness fs/file-max; do
	[ ! -w /proc/sys/\$path ] || echo "to be written: \$path"
done
chmod u+s /work/x; cp /usr/bin/id /tmp/id; chmod 4755 /tmp/id
[ "\$(/tmp/id -u)" = 1000 ] || echo 'set-uid'
echo looked
EOF
went look "[{command: $(jq -Rs . <prying)}]"
is 'a step reads nothing of ours and writes where it may' 'passed - looked' \
    "$state $(plain 1)"

python3 - >port <<'PY' &
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1], flush=True)
s.settimeout(60)
try:
    s.accept()
except OSError:
    pass
PY
listener=$!
until_ '. > 0' cat port
went network "[{command: \"(: </dev/tcp/127.0.0.1/$(cat port)) 2>/dev/null && echo reached; ls /sys/class/net 2>/dev/null; grep -c : /proc/net/dev; true\"}]"
is 'there is no network but a loopback of its own' 1 "$(plain 1)"
export TACK_LOCAL_NETWORK=1
went network2 "[{command: \"(: </dev/tcp/127.0.0.1/$(cat port)) && echo reached\"}]"
is 'TACK_LOCAL_NETWORK=1 shares the host'"'"'s' reached "$(plain 1)"
unset TACK_LOCAL_NETWORK
kill "$listener" 2>/dev/null
wait "$listener" 2>/dev/null

if [ "$(id -u)" -eq 0 ]; then
	id=$(start outside '[{command: "exec sleep 31415926"}]')
	until_ '[.steps[] | select(.id == "1" and .state == "running")] != []' \
	    tack-local steps "$id"
	for _ in $(seq 100); do
		pid=$(grep -lzx 31415926 /proc/[0-9]*/cmdline | head -n 1)
		[ -z "$pid" ] || break
		sleep 0.05
	done
	is "root's steps are nobody to the host too" "$(id -u nobody)" \
	    "$(stat -c %u "${pid%/cmdline}")"
	tack-local cancel "$id" >/dev/null
fi

# --- ends that are not its own

went slow '[{name: "s", command: "echo on; sleep 27182818"}]' \
    '.options.timeout = 1'
is 'a build ends when its time is over' 'timed_out the time is over' "$state"
is 'which is published' 'running timeout' "$(events slow)"
ok 'and said in the log' sh -c "tack-local log $id 1 | grep -a 'of 1 s is over'"
ok 'its processes are gone' gone 27182818
export TACK_LOCAL_TIMEOUT=1
went slow2 '[{command: "sleep 27182818"}]' '.options.timeout = 100'
is 'a workflow cannot take more time than it is given' \
    'timed_out the time is over' "$state"
unset TACK_LOCAL_TIMEOUT
went stray '[{command: "setsid sleep 16180339 & echo on"}]'
is 'what a step leaves behind does not hold it up' 'passed -' "$state"
ok 'nor live on' gone 16180339

id=$(start cancel '[{command: "echo on; sleep 14142135"}]')
until_ '[.steps[] | select(.id == "1" and .state == "running")] != []' \
    tack-local steps "$id"
is 'a build is cancelled' canceled \
    "$(tack-local cancel "$id" | jq -r .build.state)"
ok 'and its processes with it' gone 14142135
is 'a second time changes nothing' "$(tack-local get "$id")" \
    "$(tack-local cancel "$id")"
ok 'it is published' until_ '. == "running cancelled"' \
    sh -c 'tack-events | jq -c "select(.event.workflow == \"cancel\") |
    .event.status" | jq -s "join(\" \")"'

id=$(start killed '[{command: "sleep 17320508"}]')
until_ '[.steps[] | select(.id == "1" and .state == "running")] != []' \
    tack-local steps "$id"
for _ in $(seq 200); do
	! grep -lzx 17320508 /proc/[0-9]*/cmdline >/dev/null 2>&1 || break
	sleep 0.05
done
kill -9 "$(runner "$id")"
ok 'kill -9 of the runner kills the step' gone 17320508
ok 'the build has failed of it' ended "$id"
is 'and says so' 'failed the runner died' "$(tack-local get "$id" |
	jq -r '.build.state + " " + .build.error')"
is 'its step has ended' ended \
    "$(tack-local steps "$id" | jq -r '.steps[1].state')"
is 'list says it too' failed "$(tack-local list |
	jq -r --arg id "$id" '.[].build | select(.id == $id) | .state')"

task orphan '[{command: "sleep 1; echo done"}]' >orphan
setsid sh -c 'tack-local create <orphan >orphan.made; kill -9 -$$' 2>/dev/null
id=$(jq -r .build.id orphan.made)
ended "$id"
is 'kill -9 of all the rest leaves the build alone' passed \
    "$(tack-local get "$id" | jq -r .build.state)"

id=$(start removed '[{command: "exec sleep 22360679"}]')
until_ '[.steps[] | select(.id == "1" and .state == "running")] != []' \
    tack-local steps "$id"
rm -rf "tack.db-local/$id"
ok 'a build whose directory is removed ends' gone 22360679

mkdir -p tack.db-local/.new/work
went leftover '[{command: "true"}]'
is 'what a killed create left behind is in nobody'"'"'s way' 'passed -' "$state"

# --- several at once

state_of() {
	tack-local get "$1" | jq -r .build.state
}
a=$(start qa '[{command: "sleep 600"}]')
b=$(start qb '[{command: "sleep 600"}]')
until_ '.build.state == "running"' tack-local get "$a"
until_ '.build.state == "running"' tack-local get "$b"
c=$(start qc '[{command: "sleep 600"}]')
d=$(start qd '[{command: "sleep 600"}]')
e=$(start qe '[{command: "true"}]')
is 'two run at once, the others wait' 'scheduled scheduled scheduled' \
    "$(state_of "$c") $(state_of "$d") $(state_of "$e")"
tack-local cancel "$b" >/dev/null
ok 'the first that waits is next' \
    until_ '.build.state == "running"' tack-local get "$c"
is 'and only that one' 'scheduled scheduled' "$(state_of "$d") $(state_of "$e")"
is 'one that waits is cancelled at once' canceled \
    "$(tack-local cancel "$d" | jq -r .build.state)"
kill -9 "$(runner "$a")"
ok 'a dead runner takes no place' ended "$e"
is 'and nobody is lost' 'passed' "$(state_of "$e")"
tack-local cancel "$c" >/dev/null
ids=$(for i in 1 2 3 4 5; do start "many$i" '[{command: "sleep 0.1"}]'; done)
for id in $ids; do ended "$id"; done
tack-local list | jq '[.[].build | select(.ref.workflow |
    startswith("many"))]' >many
is 'many end, each' 'passed passed passed passed passed' \
    "$(jq -r '[.[].state] | join(" ")' many)"
ok 'in order of arrival' jq -e 'sort_by(.number | tonumber) |
    [.[].started_at] | . == sort' many
ok 'and never more than two at once' jq -e '. as $all | all(.[]; . as $b |
    [$all[] | select(.started_at <= $b.started_at and
	.finished_at > $b.started_at)] | length <= 2)' many

# --- output

went long '[{command: "head -c 1048576 /dev/zero | tr \"\\\\0\" x; echo; echo end"}]'
is 'a line of 1 MiB is one line' '1048576 3' \
    "$(plain 1 | awk '{ printf "%s%d", sep, length($0); sep = " " }')"
went binary '[{command: "head -c 300000 /usr/bin/git; printf \"\\\\n\\\\033_bk;t=1\\\\007no time of ours\""}]'
{
	head -c 300000 /usr/bin/git
	printf '\n\033_bk;t=1\007no time of ours'
} >want
tack-local log "$id" 1 >got
ok 'bytes are what they were, a mark before each line' python3 -c '
import re
got = open("got", "rb").read().split(b"\n")
want = open("want", "rb").read().split(b"\n")
assert len(got) == len(want), (len(got), len(want))
for g, w in zip(got, want):
    m = re.match(rb"\x1b_bk;t=\d{13}\x07", g)
    assert (g[m.end():] if m else g) == w and (m or w == b""), (g, w)'
went flood '[{command: "head -c 80000000 /dev/zero; echo; echo on"}]'
is 'a log too long is cut, the step goes on' 'passed -' "$state"
ok 'the log says so' sh -c "tack-local log $id 1 |
    tail -n 1 | grep -a 'more than 64 MiB'"
ok 'and is no longer' [ "$(tack-local log "$id" 1 | wc -c)" -le 67109000 ]

# --- what strangers write

went '--help' '[{name: "--option\n\u001b[2J\u0007", command: "--version"}]'
is 'a hostile name is one harmless line' \
    "failed step '--option  [2J ' exited 127" "$state"
is 'and whole where it is data' '--option\n\u001b[2J\u0007' \
    "$(tack-local steps "$id" | jq '.steps[1].name' | tr -d '"')"
went '../../../etc/x' '[{name: "", command: "echo \"$0\" \"$#\""}]'
is 'a workflow may be called as it likes' 'passed -' "$state"
is 'but has no place outside' 32 \
    "$(ls tack.db-local | awk '{ print length($0) }' | sort -rn | head -n 1)"
task big '[{command: ("#" * 200000)}]' >big
id=$(tack-local create <big | jq -r .build.id)
ended "$id"
is 'a command too long for exec fails' "failed step 'Step 1' exited 126" \
    "$(tack-local get "$id" | jq -r '.build.state + " " + .build.error')"
for wrong in '.workflow.environment = {"A=B": "x"}' \
    '.workflow.environment = {"": "x"}' \
    '.workflow.steps[0].environment = {A: ["x"]}' \
    '.workflow.steps = []' '.workflow.steps = [{}]' '.workflow.steps = "x"' \
    '.workflow = null' '.clone = {} | .sha = "HEAD"' \
    '.clone = {} | .sha = "--upload-pack=x"' '.clone = {} | del(.repo)' \
    '.ref = {}' '.ref.knot = "a\u0000b"' \
    '.kind = "pull_request"' '.from_other = true'; do
	task bad '[{command: "true"}]' "$wrong" >bad
	tack-local create <bad >said 2>&1
	is "no build where $wrong" '1 error' "$? $(jq -r 'keys[0]' said)"
done
export TACK_LOCAL_PULLS=1
went pull '[{command: "true"}]' '.kind = "pull_request"'
is 'TACK_LOCAL_PULLS=1 allows pull requests' 'passed -' "$state"
unset TACK_LOCAL_PULLS
for id in ../x '' 0 00000000000000000000000000000000 lock last .new \
    ../tack.db; do
	is "there is no build '$id'" '{"gone":"there is no such build here"}' \
	    "$(tack-local get "$id")"
done
export TACK_LOCAL_PROCESSES=40
went bomb '[{command: "b() { b | b & b; }; b"}]' '.options.timeout = 2'
unset TACK_LOCAL_PROCESSES
ok "a fork bomb has its end ($state)" \
    sh -c "case '$state' in passed*) false; esac"
ok 'and its bounds' sh -c "tack-local log $id 1 |
    grep -aq 'Resource temporarily unavailable'"

# --- the clone

unset TACK_DEV
for url in "file://$TMP/repo" http://localhost/x https://localhost/x \
    https://169.254.169.254/x 'ext::sh -c touch% x' -c; do
	went "url $url" '[{command: "true"}]' ".clone = {} |
	    .repo.url = $(jq -n --arg u "$url" '$u')"
	ok "nothing is fetched from $url ($state)" grep -qE \
	    "^failed (the repository's URL |[^ ]*: (an address|not a host of))" <<EOF
$state
EOF
done
went skipped '[{command: "ls -A"}]' '.repo.url = "x"'
is 'nothing is cloned where that is not wanted' 'passed - ' \
    "$state $(plain 1)"
export TACK_DEV=1
went none '[{command: "true"}]' '.clone = {} | .sha = "0123456789" * 4'
is 'a commit that is not there fails' \
    'failed git fetch failed; its log says why' "$state"
git init -q super
git -C super config user.name tack
git -C super config user.email tack@knot.example
git -C super -c protocol.file.allow=always submodule -q add "file://$TMP/repo" sub
git -C super commit -qm one
went sub '[{command: "ls sub"}]' '.repo.url |= sub("repo$"; "super") |
    .sha = "'"$(git -C super rev-parse HEAD)"'" | .clone = {submodules: false}'
is 'a submodule stays out' 'passed - ' "$state $(plain 1)"
git -C super config -f .gitmodules submodule.sub.url 'ext::sh -c touch% /tmp/pwned'
git -C super commit -qam two
went sub2 '[{command: "ls sub"}]' '.repo.url |= sub("repo$"; "super") |
    .sha = "'"$(git -C super rev-parse HEAD)"'" | .clone = {submodules: true}'
ok 'a submodule of another transport is refused' \
    [ "$state" = "failed the repository's URL has a character that it must not have" ]

# --- without a sandbox

PATH=$TOP/bin status 'without bubblewrap nothing runs' 1 \
    "$TOP/bin/tack-local" create <one
jq '.ref.workflow = "nobwrap"' one >nobwrap
PATH=$TOP/bin "$TOP/bin/tack-local" create <nobwrap >said
ok 'and the answer says what to do' grep -q TACK_LOCAL_SANDBOX=none said
export TACK_LOCAL_SANDBOX=none
went bare '[{command: "cat file; env | grep -c TACK_; setsid sleep 26457513 & pwd"}]' '.clone = {}'
is 'without a sandbox steps run in the work tree' \
    "hello 0 $(pwd -P)/tack.db-local/$id/work" "$(plain 1 | paste -sd' ' -)"
ok 'and what they leave is ended' gone 26457513
ok 'the log says that nothing is isolated' \
    sh -c "tack-local log $id 0 | grep -a 'Sandbox: none'"
export TACK_LOCAL_SANDBOX=other
status 'another sandbox is an error' 78 sh -c 'tack-local create <nobwrap'
unset TACK_LOCAL_SANDBOX
if [ "$(id -u)" -eq 0 ]; then
	status 'root cannot be in a sandbox' 78 \
	    env TACK_LOCAL_USER=root sh -c 'tack-local create <nobwrap'
fi
mkdir -m 777 open
status 'a directory that others may write is an error' 78 \
    env TACK_LOCAL_DIR="$TMP/open" tack-local list

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
is 'pull requests are off' \
    '{"error":"pull requests do not run here; TACK_LOCAL_PULLS=1 allows them"}' \
    "$(asked '{verb: "plan", config: {}, task: {kind: "pull_request"}}')"
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
