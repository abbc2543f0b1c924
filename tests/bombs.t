#!/bin/sh
# SPDX-License-Identifier: ISC
# A payload made to burst its reader takes little memory and ends cleanly.
. "$(dirname "$0")/lib.sh"

cat >bombs.py <<'PY'
import base64, json

MIB = 1 << 20
HEAD = ('{"event":"build.running","build":{"id":"u","state":"running",'
    '"meta_data":{"tack:knot":"k","tack:pipeline_rkey":"r",'
    '"tack:workflow":"w"}},"x":')

# A payload of so many bytes, its bomb the unit over and over.
def fill(before, unit, after, size=MIB):
    room = size - len(HEAD) - len(before) - len(after) - 1
    return HEAD + before + unit * (room // len(unit)) + after + "}"

half = (MIB - len(HEAD)) // 2 - 1
bombs = {
    "depth": HEAD + "[" * half + "]" * half + "}",
    "objects": HEAD + '{"a":' * (half // 3) + "1" + "}" * (half // 3) + "}",
    "open": HEAD + "[" * (2 * half),
    "pairs": fill("[", "{},[],", "{}]"),
    "keys": HEAD + "{" + ",".join('"%x":0' % (1 << 20 | i)
        for i in range(half // 6)) + "}}",
    "same": fill("{", '"k":{},', '"k":0}'),
    "string": fill('"', "a", '"'),
    "escapes": fill('"', "\\u0000", '"'),
    "digits": fill("", "7", ""),
    "fraction": fill("1.", "7", "e9"),
    "big": fill("[", "{},[],", "{}]", 10000000),
}
for name, text in bombs.items():
    with open(name + ".request", "w") as f:
        print(json.dumps({"request": {"path": "/webhooks/buildkite",
            "headers": {"x-buildkite-token": "correct-horse"}, "at": 1800000000,
            "body": base64.b64encode(text.encode()).decode()}}), file=f)
    with open(name + ".verified", "w") as f:
        print('{"provider":"buildkite","event":"build.running","payload":'
            + text + "}", file=f)
PY
python3 bombs.py
export TACK_BUILDKITE_WEBHOOK_MODE=token TACK_BUILDKITE_WEBHOOK_SECRET=correct-horse

# The most memory TOOL took on a file, in KiB, its exit status in .rc. It has told
# of the record, and waits for another, when it is looked at.
mkfifo in
peak() {
	"$1" <in >out 2>err &
	pid=$!
	exec 3>in
	cat "$2" >&3
	until_ok test -s out -o -s err
	awk '/VmHWM/ { print $2 }' "/proc/$pid/status"
	exec 3>&-
	wait "$pid"
	echo $? >.rc
}

# The most that a payload of 1 MiB may take.
limit=16384
worst=0
fits() {
	[ "$3" = big ] || [ "$2" -le "$worst" ] || worst=$2
	note "$1 $3: $2 KiB"
	if [ -n "${TACK_SANITIZE:-}" ]; then
		skip "$1 $3: memory" 'the sanitizers take more'
	elif [ "$3" != big ]; then
		ok "$1 $3: at most $limit KiB" [ "$2" -le "$limit" ]
	fi
}

while read -r bomb verified resolved; do
	kib=$(peak tack-verify "$bomb.request")
	is "tack-verify $bomb: exit 0, $verified" "0 $verified" \
	    "$(cat .rc) $(jq -r '.outcome // "passed"' out)"
	fits tack-verify "$kib" "$bomb"
	rm -f tack.db*
	tack-init
	kib=$(peak tack-resolve "$bomb.verified")
	is "tack-resolve $bomb: $resolved" "$resolved" \
	    "$({ cat .rc && jq -r '.outcome // .ref.workflow' out; } | xargs)"
	fits tack-resolve "$kib" "$bomb"
	ok "tack-resolve $bomb: says little" [ "$(wc -c <err)" -lt 200 ]
done <<'LIST'
depth malformed 1
objects malformed 1
open malformed 1
pairs passed 0 w
keys passed 0 w
same passed 0 w
string passed 0 w
escapes passed 0 w
digits passed 0 w
fraction passed 0 w
big passed 0 w
LIST
note "most of all for 1 MiB: $worst KiB"
done_testing
