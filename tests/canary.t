#!/bin/sh
# SPDX-License-Identifier: ISC
# P24: secrets that are known by sight, looked for wherever they could leak to
# while builds are started, asked, cancelled and their logs read.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

umask 077
# A word of this run alone: another run, beside it, is in /proc as well.
canary=canary-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
token=$canary-token webhook=$canary-webhook seal=$canary-seal
masked=$canary-masked
mkdir secrets shown
play '{
  "tokens": {"'$token'": {"user": "a", "orgs": null,
    "scopes": ["write_builds", "read_builds", "read_build_logs"]}},
  "orgs": {"acme-forge": ["tangled-ci"]}, "cancel": "canceled"}'
mv play.json secrets
echo "$token" >secrets/token
echo "$webhook" >secrets/webhook
echo "$seal" >secrets/seal
echo "$masked" >secrets/masked
TACK_BUILDKITE_TOKEN_FILE=$TMP/secrets/token
TACK_BUILDKITE_WEBHOOK_SECRET_FILE=$TMP/secrets/webhook
TACK_SEAL_KEY_FILE=$TMP/secrets/seal
TACK_MASK_FILE=$TMP/secrets/masked
TACK_REQUIRE_SEALED_REF=1
TACK_BUILDKITE_ORG=acme-forge
TACK_DB_PATH=$TMP/shown/tack.db
export TACK_BUILDKITE_TOKEN_FILE TACK_BUILDKITE_WEBHOOK_SECRET_FILE \
    TACK_SEAL_KEY_FILE TACK_MASK_FILE TACK_REQUIRE_SEALED_REF \
    TACK_BUILDKITE_ORG TACK_DB_PATH
tack-init

# Every argument and variable of every process, while there are any.
cat >watch.py <<'PYTHON'
import os, sys, time
words = [word.encode() for word in sys.argv[2:]]
looks, hits, seen = 0, set(), set()
while not os.path.exists(sys.argv[1]):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == os.getpid():
            continue
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    text = file.read()
            except OSError:
                continue
            looks += 1
            if name == "cmdline" and b"tack-" in text:
                seen.add(pid)
            for word in words:
                if word in text:
                    hits.add((name, text[:60]))
    time.sleep(0.01)
print(looks, len(seen), len(hits), *hits)
PYTHON
python3 watch.py over "$canary" >watched &
watcher=$!

run() {
	within "$@" >>shown/out 2>>shown/err
}
push() {
	jq -nc --arg rkey "$1" '{rkey: $rkey, nsid: "sh.tangled.pipeline",
	    event: {triggerMetadata: {kind: "push",
		push: {newSha: ("6" * 40), ref: "refs/heads/main"},
		repo: {knot: "knot.example", did: "did:plc:y", repo: "r"}},
		workflows: [{name: "ci.yml",
		    raw: "tack: {buildkite: {pipeline: tangled-ci}}"}]}}' |
	    tack-spawn -w 600 2>>shown/err | tee -a shown/out | tack-status \
	    >>shown/out 2>>shown/err
}
for fault in '' echo 429-org 500 502 truncated before after; do
	[ -z "$fault" ] || direct config \
	    "{\"faults\": [{\"kind\": \"any\", \"do\": \"$fault\"}]}"
	push "r${fault:-0}"
done
sqlite3 "$TACK_DB_PATH" 'DELETE FROM budget; UPDATE build SET not_before = 0'
run tack-spawn -r
run tack-poll
printf '{"text": "before %s after %s end\\n"}' "$masked" "$token" >secrets/log
curl -s -d @secrets/log "${api:?}/_/log/1" >/dev/null
direct build/1 '{"state": "passed", "jobs": "passed"}'
run tack-logs knot.example r0 ci.yml
echo '{"ref":{"knot":"knot.example","pipeline_rkey":"rafter",
    "workflow":"ci.yml"},"verb":"cancel"}' | tr -d '\n' |
	run tack-cancel
at=$(date +%s)
cat >sign.py <<'PYTHON'
import hashlib, hmac, sys
key = open(sys.argv[1], "rb").read().strip()
print(hmac.new(key, sys.argv[2].encode(), hashlib.sha256).hexdigest())
PYTHON
for key in secrets/webhook /dev/null; do
	body='{"event":"ping"}'
	mac=$(python3 sign.py "$key" "$at.$body")
	printf '%s' "$body" | tack-request \
	    -H "X-Buildkite-Signature: timestamp=$at,signature=$mac" \
	    buildkite | run tack-verify
done
# A token that does not do.
chmod 600 secrets/token
direct config '{"tokens": {}}'
push refused
run tack-poll
run tack doctor

# The end of one that has its secrets in memory.
direct config '{"faults": [{"kind": "any", "do": 600}]}'
asks() {
	find "/proc/$1/fd" -lname 'socket:*' | grep -q .
}
(
	cd shown || exit
	# shellcheck disable=SC3045 # dash has it
	ulimit -c unlimited
	tack-poll >/dev/null 2>&1 &
	until_ok asks $!
	kill -ABRT $!
	wait $!
) 2>/dev/null
touch over
wait "$watcher"
read -r looks tools hits where <watched
note "P24: $looks looks at arguments and variables, $tools processes of ours among them, $hits hits $where"
ok 'P24 the watch saw our tools at work' test "$tools" -ge 10
is 'P24 no secret is an argument or a variable' 0 "$hits"
found=$(grep -rl "$canary" shown | paste -sd ' ')
is 'P24 no secret is in what is printed, told, stored or logged' '' "$found"
ok 'P24 there was something to find it in' test -s shown/err -a -s shown/out
told counts >counts
ok 'P24 the CI heard the token, and echoed it' \
    grep -q "$token" counts
ok 'P24 the log is there, without what is masked' \
    grep -q 'before \*\*\* after \*\** end' shown/out
done_testing
