#!/bin/sh
# SPDX-License-Identifier: ISC
# The embedded CI's clone: tags, submodules, and how long names may take.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/local.sh"

# What a knot of 2026 sends where the workflow's file says nothing.
knots='{depth: 1, skip: false, submodules: true, tags: true}'

# at COMMIT: a filter for a clone of it as a knot of 2026 has it.
at() {
	echo ".clone = $knots | .sha = \"$1\""
}
commit() {
	git -C repo commit -qm "$1"
	git -C repo rev-parse HEAD
}
# link PATH: the repository's commit, at a path of its own.
link() {
	git -C repo update-index --add --cacheinfo "160000,$sha,$1"
}
module() {
	git -C repo config -f .gitmodules "submodule.$1.path" "$2"
	git -C repo config -f .gitmodules "submodule.$1.url" "$3"
	git -C repo add .gitmodules
}
asked='.workflow.clone = {submodules: true}'
warnings() {
	plain 0 | sed -n 's/^tack-local: warning: //p'
}

# --- tags

git -C repo tag -a v1.0 -m v1.0
tag=$(git -C repo rev-parse v1.0)
went tag '[{command: "git describe --tags; cat file"}]' "$(at "$tag")"
is 'a tag is checked out, and its name is there' 'passed - v1.0 hello' \
    "$state $(plain 1 | paste -sd' ' -)"
went untagged '[{command: "git tag"}]' "$(at "$sha") | .clone.tags = false"
is 'tags that are not wanted do not come' 'passed - ' "$state $(plain 1)"
went deep '[{command: "git rev-list --count HEAD"}]' \
    "$(at "$(git -C repo commit -q --allow-empty -m two &&
	git -C repo rev-parse HEAD)") | .clone.depth = 0"
is 'no depth is a depth of one' 'passed - 1' "$state $(plain 1)"
went later '[{command: "cat file"}]' "$(at "$sha") | .clone.partial = true"
is 'what a newer knot adds is warned of' \
    'passed - clone: partial means nothing here' "$state $(warnings)"

# --- submodules

link vendor/lib
stray=$(commit stray)
went stray '[{command: "cat file"}]' "$(at "$stray")"
is 'a link that .gitmodules does not know is left out' 'passed - hello' \
    "$state $(plain 1)"
is 'with a warning' \
    "submodule 'vendor/lib' is not in .gitmodules; left out" \
    "$(warnings)"
went stray2 '[{command: "cat file"}]' "$(at "$stray") | $asked"
is 'also where the file asks for submodules' 'passed -' "$state"

git -C repo rm -q --cached vendor/lib
link s
module 'a name' s git@github.com:a/b.git
ssh=$(commit ssh)
went ssh '[{command: "cat file"}]' "$(at "$ssh")"
is 'a submodule that cannot be had is left out' 'passed - hello' \
    "$state $(plain 1)"
is 'with a warning that names it in one line' "submodule 'a name': the URL \
is not https; left out" "$(warnings)"
went ssh2 '[{command: "cat file"}]' "$(at "$ssh") | $asked"
is 'and fails where the file asks for submodules' \
    "failed submodule 'a name': the URL is not https" "$state"
went ssh3 '[{command: "cat file"}]' \
    "$(at "$ssh") | .clone.submodules = false"
is 'or stays out where the file wants none' 'passed - ' "$state $(warnings)"

git -C repo rm -q --cached s .gitmodules
rm repo/.gitmodules
git init -q repo/.git/nested
echo inner >repo/.git/nested/inner
git -C repo/.git/nested add inner
git -C repo/.git/nested -c user.name=t -c user.email=t@example.org \
    commit -qm one
inner=$(git -C repo/.git/nested rev-parse HEAD)
[ "$(id -u)" -ne 0 ] || chown -R nobody repo/.git/nested
module good good "file://$TMP/repo/.git/nested"
git -C repo update-index --add --cacheinfo "160000,$inner,good"
module evil evil 'ext::sh -c touch% /tmp/pwned'
link evil
module absent ':(glob)*' "file://$TMP/repo/.git/none"
git -C repo update-index --add --cacheinfo "160000,$inner,:(glob)*"
mixed=$(commit mixed)
went mixed '[{command: "cat good/inner; ls evil"}]' "$(at "$mixed")"
is 'one submodule that is bad leaves the others alone' 'passed - inner' \
    "$state $(plain 1)"
is 'and each that is bad is named' "submodule 'absent': git submodule update \
failed; its log says why; left out|submodule 'evil': the URL has a \
character that it must not have; left out" \
    "$(warnings | sort | paste -sd'|' -)"

# --- what strangers can make of it

git -C repo add .gitmodules
git -C repo rm -q --cached good evil ':(literal):(glob)*' .gitmodules
rm repo/.gitmodules
{
	printf '[submodule "s"]\n\tpath = s\n\turl = https://'
	head -c 60000000 /dev/zero | tr '\0' a
	echo
} >repo/.gitmodules
git -C repo add .gitmodules
link s
long=$(commit long)
id=$(start long '[{command: "cat file"}]' "$(at "$long") | .options.timeout = 100")
pid=$(runner "$id")
peak=0
while now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' \
    "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
	peak=$now
	sleep 0.05
done
until_ok ended "$id"
ok "a URL of 60 MB takes no memory of the runner ($peak KiB)" \
    [ "$peak" -gt 0 ] && [ "$peak" -lt 40000 ]
is 'and is left out' "submodule 's': more than 64 KiB of names and URLs; \
left out" "$(warnings)"

git -C repo rm -q --cached s
for i in $(seq 70); do
	printf '[submodule "m%d"]\n\tpath = m%d\n\turl = x\n' "$i" "$i"
done >repo/.gitmodules
git -C repo add .gitmodules
for i in $(seq 70); do
	link "m$i"
done
went many '[{command: "cat file"}]' "$(at "$(commit many)") | $asked |
    .workflow.clone = {}"
is 'submodules have a number' \
    'passed - 65 more than 64 submodules; left out' \
    "$state $(warnings | wc -l) $(warnings | tail -n 1)"

# A name server of a stranger's takes 4.5 s for each name.
: >repo/.gitmodules
for i in $(seq 8); do
	printf '[submodule "m%d"]\n\tpath = m%d\n\turl = https://h%d.slow.test/x\n' \
	    "$i" "$i" "$i"
done >repo/.gitmodules
git -C repo add .gitmodules
slow=$(commit slow)
cat >server.py <<'EOF'
import socket, threading, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.9", 53))
print("ready", flush=True)
def answer(d, a):
    time.sleep(4.5)
    q = d[12:]
    e = q.index(0) + 5
    is_a = q[e - 4:e - 2] == b"\0\1"
    r = d[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") \
        + b"\0\0\0\0" + q[:e]
    if is_a:
        r += b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + bytes([93, 184, 216, 34])
    s.sendto(r, a)
while True:
    d, a = s.recvfrom(512)
    with open("asked", "a") as f:
        print(d[13:13 + d[12]].decode(), file=f)
    threading.Thread(target=answer, args=(d, a), daemon=True).start()
EOF
cat >slow.sh <<'EOF'
mount --make-rprivate / && mount --bind resolv.conf /etc/resolv.conf || exit 9
id=$(tack-local create <slow.task | jq -r .build.id)
for i in $(seq 1200); do
	[ "$1" != cancel ] || [ ! -s asked ] || tack-local cancel "$id" >/dev/null
	state=$(tack-local get "$id" | jq -r .build.state)
	case $state in scheduled|running) sleep 0.1 ;; *) break ;; esac
done
echo "$state"
EOF
# slowly WORD: the state in which a build ends, and of how many names it asked.
slowly() {
	: >asked
	task "slow $1" '[{command: "true"}]' "$(at "$slow") |
	    .options.timeout = $2" >slow.task
	echo "$(unshare -m sh slow.sh "$1") $(sort -u asked | wc -l)"
}
echo 'nameserver 127.0.0.9' >resolv.conf
if unshare -m true 2>/dev/null; then
	python3 server.py >ready 2>/dev/null &
	server=$!
	until_ok sh -c "[ -s ready ] || ! kill -0 $server"
fi
if [ -s ready ]; then
	said=$(slowly limit 5)
	ok "the time limit holds while names are looked up ($said names of 8)" \
	    sh -c "case '$said' in 'timed_out '[0-3]) ;; *) false ;; esac"
	said=$(slowly cancel 100)
	ok "so does a cancel ($said names)" \
	    sh -c "case '$said' in 'canceled '[0-3]) ;; *) false ;; esac"
	kill "$server"
else
	note 'no name server can be had here'
fi
done_testing
