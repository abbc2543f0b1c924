#!/bin/sh
# SPDX-License-Identifier: ISC
# The embedded CI: what a step reaches, and what strangers may write.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/local.sh"

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
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1], flush=True)
s.accept()
PY
listener=$!
until_ok says '. > 0' cat port
went network "[{command: \"(: </dev/tcp/127.0.0.1/$(cat port)) 2>/dev/null && echo reached; ls /sys/class/net 2>/dev/null; grep -c : /proc/net/dev; true\"}]"
is 'there is no network but a loopback of its own' 1 "$(plain 1)"
export TACK_LOCAL_NETWORK=1
went network2 "[{command: \"(: </dev/tcp/127.0.0.1/$(cat port)) && echo reached\"}]"
is 'TACK_LOCAL_NETWORK=1 shares the host'"'"'s' reached "$(plain 1)"
unset TACK_LOCAL_NETWORK
kill "$listener" 2>/dev/null
wait "$listener" 2>/dev/null

if [ "$(id -u)" -eq 0 ]; then
	id=$(start outside '[{command: "exec sleep 31415926'$$'"}]')
	until_ok begun "$id"
	until_ok there 31415926$$
	pid=$(holders 31415926$$ | head -n 1)
	is "root's steps are nobody to the host too" "$(id -u nobody)" \
	    "$(stat -c %u "/proc/$pid")"
	tack-local cancel "$id" >/dev/null
fi

# --- output

went long '[{command: "head -c 1048576 /dev/zero | tr \"\\\\0\" x; echo; echo end"}]'
is 'a line of 1 MiB is one line' '1048576 3' \
    "$(plain 1 | awk '{ printf "%s%d", sep, length($0); sep = " " }')"
went binary '[{command: "head -c 300000 /usr/bin/git; printf \"\\\\n\\\\033_bk;t=1\\\\007no time of ours\""}]'
{
	head -c 300000 /usr/bin/git
	printf '\n_bk;t=1\007no time of ours'
} | sed 's/\x1b_/_/g' >want
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
for wrong in '.workflow.environment = {"A=B": "x"}' \
    '.workflow.environment = {"": "x"}' \
    '.workflow.steps[0].environment = {A: ["x"]}' \
    '.workflow.steps = []' '.workflow.steps = [{}]' '.workflow.steps = "x"' \
    '.workflow = null' '.workflow.environment = ["A=1"]' \
    '.workflow.environment = "A=1"' \
    '.workflow.steps[0].environment = ["A=1"]' \
    '.workflow.steps[0].command = true' '.workflow.steps[0].command = 42' \
    '.workflow.steps[0].command = "#" * 131072' \
    '.workflow.environment = {A: ("x" * 131070)}' \
    '.clone.depth = "all"' '.clone.tags = "yes"' '.clone.skip = 1' \
    '.clone = ["skip"]' '.workflow.clone.lfs = true' \
    '.clone = {} | .sha = "HEAD"' \
    '.clone = {} | .sha = "--upload-pack=x"' '.clone = {} | del(.repo)' \
    '.ref = {}' '.ref.knot = "a\u0000b"'; do
	task bad '[{command: "true"}]' "$wrong" >bad
	tack-local create <bad >said 2>&1
	is "no build where $wrong" '1 error' "$? $(jq -r 'keys[0]' said)"
done
for id in ../x '' 0 00000000000000000000000000000000 lock last .new \
    ../tack.db; do
	is "there is no build '$id'" '{"gone":"there is no such build here"}' \
	    "$(tack-local get "$id")"
done
export TACK_LOCAL_MEMORY=200
went memory '[{command: "x=$(head -c 400000000 /dev/zero | tr \"\\0\" x); echo ${#x}"}]'
unset TACK_LOCAL_MEMORY
ok "TACK_LOCAL_MEMORY is the end of what takes more ($state)" \
    sh -c "! tack-local log $id 1 | grep -a 400000000"
export TACK_LOCAL_PROCESSES=40
went bomb '[{command: "b() { b | b & b; }; b"}]' '.options.timeout = 5'
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
	    "^failed the repository: (the URL |[^ ]*: (an address|not a host of))" <<EOF
$state
EOF
done
python3 - >moved.port <<'PY' 2>asked &
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
moved=$!
until_ok says '. > 0' cat moved.port
TACK_DEV=1 went moved '[{command: "true"}]' \
    ".clone = {} | .repo.url = \"http://127.0.0.1:$(cat moved.port)/x\""
kill "$moved" 2>/dev/null
wait "$moved" 2>/dev/null
is 'a redirect is not followed' '1 0' \
    "$(grep -c 'GET /x' asked) $(grep -c 'GET /elsewhere' asked)"
GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.curloptResolve \
    GIT_CONFIG_VALUE_0=knot.invalid:1:127.0.0.1 \
    git ls-remote http://knot.invalid:1/x 2>said
ok 'git goes to the address it is given, and asks no resolver' \
    grep -q 'connect to knot.invalid port 1' said
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
# --- without a sandbox

task nobwrap '[{command: "true"}]' >nobwrap
PATH=$TOP/bin status 'without bubblewrap nothing runs' 1 \
    "$TOP/bin/tack-local" create <nobwrap
PATH=$TOP/bin "$TOP/bin/tack-local" create <nobwrap >said
ok 'and the answer says what to do' grep -q TACK_LOCAL_SANDBOX=none said
is 'tack-local check says what steps run in' '{"sandbox":"bwrap"}' \
    "$(tack-local check)"
ok 'and leaves nothing' [ -z "$(find tack.db-local -name '.check*')" ]

# A chroot is what a container is to bwrap: the kernel refuses it a namespace.
mkdir root
cat >chroot.sh <<'EOF'
mount --rbind / root || exit 9
exec chroot root sh -c "cd '$PWD'; $1"
EOF
if [ "$(unshare -m sh chroot.sh 'tack-local check | jq -r "keys[]"' \
    2>/dev/null)" = error ]; then
	unshare -m sh chroot.sh 'tack-local check' >said
	ok 'in a chroot it says what is missing' \
	    jq -e '.error | test("bwrap: .*user namespaces and a /proc")' said
	ok 'and what to do' jq -e '.error | test("TACK_LOCAL_SANDBOX=none")' said
	task chroot '[{command: "true"}]' >chroot.task
	id=$(unshare -m sh chroot.sh 'tack-local create <chroot.task' |
	    jq -r .build.id)
	until_ok ended "$id"
	is 'a build there fails of that' "failed $(jq -r .error said)" \
	    "$(tack-local get "$id" | jq -r '.build.state + " " + .build.error')"
	task chroot2 '[{command: "id -un; pwd >there"}]' >chroot.task
	id=$(unshare -m sh chroot.sh 'export TACK_LOCAL_SANDBOX=none
	    tack-local check >bare; tack-local create <chroot.task' |
	    jq -r .build.id)
	until_ok ended "$id"
	is 'without a sandbox it runs as nobody' '{"sandbox":"none"} passed nobody' \
	    "$(cat bare) $(tack-local get "$id" |
		jq -r .build.state) $(plain 1)"
	is 'with a warning in its log' 'Sandbox: none. Warning: steps may do '\
'whatever the user nobody may, and reach the network.' "$(plain 0 | sed 1q)"
else
	skip 'a chroot is told of' 'no chroot that refuses namespaces'
fi

export TACK_LOCAL_SANDBOX=none
went bare '[{command: "cat file; env | grep -c TACK_; setsid sleep 26457513'$$' & pwd"}]' '.clone = {}'
is 'without a sandbox steps run in the work tree' \
    "hello 0 $(pwd -P)/tack.db-local/$id/work" "$(plain 1 | paste -sd' ' -)"
soon 'and what they leave is ended' gone 26457513$$
ok 'the log says that nothing is isolated' \
    sh -c "tack-local log $id 0 | grep -a 'Sandbox: none'"
export TACK_LOCAL_SANDBOX=other
status 'another sandbox is an error' 78 sh -c 'tack-local create <nobwrap'
unset TACK_LOCAL_SANDBOX
if [ "$(id -u)" -eq 0 ]; then
	status 'root cannot be in a sandbox' 78 \
	    env TACK_LOCAL_USER=root sh -c 'tack-local create <nobwrap'
fi
for wrong in JOBS=0 JOBS=many TIMEOUT=5m TIMEOUT=0 FREE=-1 MEMORY=x \
    PROCESSES=0 NETWORK=yes SANDBOX=jail; do
	(export "TACK_LOCAL_$wrong" && tack-local create <nobwrap) >said 2>err
	is "TACK_LOCAL_$wrong is refused before a build is made, in its record" \
	    "78 TACK_LOCAL_${wrong%%=*}" "$? $(jq -r '.error |
	    sub(":.*"; "")' said)"
done
mkdir -m 777 open
status 'a directory that others may write is an error' 78 \
    env TACK_LOCAL_DIR="$TMP/open" tack-local list
done_testing
