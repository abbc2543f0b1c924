#!/bin/sh
# SPDX-License-Identifier: ISC
# One reader of secret files: what verifies, what is sent, what doctor says.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

umask 077
tack-init
unset TACK_BUILDKITE_WEBHOOK_SECRET TACK_BUILDKITE_WEBHOOK_MODE \
    TACK_BUILDKITE_TOKEN TACK_SEAL_KEY TACK_SEAL_KEY_FILE
printf '{"event":"ping"}' >body
at=$(date +%s)
mac=$({ printf '%s.' "$at"; cat body; } |
    openssl dgst -sha256 -hmac s3cret | sed 's/.* //')
tack-request -H "X-Buildkite-Signature: timestamp=$at,signature=$mac" \
    buildkite <body >request
export TACK_BUILDKITE_WEBHOOK_SECRET_FILE="$TMP/secret"

# doctor NAME: its word for a secret.
doctor() {
	tack doctor 2>&1 | sed -n "s/^\([a-z]*\).*secret $1:.*/\1/p"
}

# The text of a webhook secret's file; what it is, for printf(1).
while IFS='|' read -r what text; do
	# shellcheck disable=SC2059 # escapes are the point
	printf "$text" >secret
	is "$what: a webhook is genuine" ping "$(tack-verify <request |
	    jq -r '.event // .reason')"
	is "$what: doctor says ok" ok "$(doctor BUILDKITE_WEBHOOK_SECRET)"
done <<'END'
LF|s3cret\n
CR LF|s3cret\r\n
no line end|s3cret
CR LF, the second of two|old\r\ns3cret\r\n
a byte order mark|\357\273\277s3cret\n
blanks at the edges|\t s3cret \r\n
empty lines|\n\r\ns3cret\n\n
END
while IFS='|' read -r what text; do
	# shellcheck disable=SC2059
	printf "$text" >secret
	status "$what: 78" 78 sh -c 'tack-verify <request 2>said'
	ok "$what: the variable is named" \
	    grep -q "TACK_BUILDKITE_WEBHOOK_SECRET_FILE: $TMP/secret" said
	ok "$what: the secret is not" sh -c '! grep -q s3cret said'
	is "$what: doctor says wrong" wrong \
	    "$(doctor BUILDKITE_WEBHOOK_SECRET)"
done <<'END'
a control character|s3\033cret\n
a CR inside|s3cret\rX-Injected: yes\n
a comment|# of May\ns3cret\n
one byte|x\ns3cret\n
blanks alone| \r\n
END
unset TACK_BUILDKITE_WEBHOOK_SECRET_FILE

# Who needs one takes one.
printf 'one-key\nother-key\n' >key
export TACK_SEAL_KEY_FILE="$TMP/key" TACK_REQUIRE_SEALED_REF=1
for tool in tack-resolve tack-poll; do
	status "two seal keys are 78: $tool" 78 $tool </dev/null
done
is 'two seal keys: doctor says wrong' wrong "$(doctor SEAL_KEY)"
printf '\357\273\277one-key\r\n' >key
status 'a key in CR LF is well' 0 tack-resolve </dev/null
is 'and doctor says so' ok "$(doctor SEAL_KEY)"
unset TACK_SEAL_KEY_FILE TACK_REQUIRE_SEALED_REF

# A token goes into the head of a request.
play '{"tokens": {"good": {"user": "a", "scopes": ["write_builds",
    "read_builds"], "orgs": null}}, "orgs": {"acme": ["p"]}}'
export TACK_BUILDKITE_ORG=acme TACK_BUILDKITE_TOKEN_FILE="$TMP/token"
# spawn RKEY: what comes of a push.
spawn() {
	jq -nc --arg rkey "$1" '{$rkey, nsid: "sh.tangled.pipeline", event: {
	    triggerMetadata: {kind: "push", repo: {knot: "knot.example",
		did: "did:plc:a", repo: "r", defaultBranch: "main"},
		push: {ref: "refs/heads/main", oldSha: "0", newSha: ("a" * 40)}},
	    workflows: [{name: "ci.yml", clone: {},
		raw: "tack: {buildkite: {pipeline: p}}"}]}}' |
		tack-spawn 2>said | jq -r '.outcome // .build.id // "none"'
}
printf ' good\r\n' >token
ok 'a token in CR LF and blanks is the token' \
    sh -c 'test -n "$1" && test "$1" != deferred' x "$(spawn 3mtj73ais6k22)"
is 'doctor says ok' ok "$(doctor BUILDKITE_TOKEN)"
before=$(told requests length)
printf 'good\nX-Injected: yes\n' >token
is 'a token of two lines starts nothing' deferred "$(spawn 3mtj73ais6k23)"
ok 'its file is named' grep -q "$TMP/token: 2 secrets" said
is 'doctor says wrong' wrong "$(doctor BUILDKITE_TOKEN)"
printf 'go\tod\n' >token
is 'nor does one with a TAB in it' deferred "$(spawn 3mtj73ais6k24)"
ok 'its variable is named' grep -q 'TACK_BUILDKITE_TOKEN_FILE: .*control' said
is 'doctor says wrong of it' wrong "$(doctor BUILDKITE_TOKEN)"
is 'and nothing was sent' "$before" "$(told requests length)"

# With a token alone, tack-http serves what needs no webhooks.
printf 'good\n' >token
: >port
port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
tack-http -l "127.0.0.1:$port" 2>http.err &
server=$!
trap 'kill "$server" "$play_pid" 2>/dev/null' EXIT
for _ in $(seq 200); do
	grep -q listening http.err && break
	sleep 0.1
done
is 'a token alone: the health is well' 200 "$(curl -s -o /dev/null \
    -w '%{http_code}' -m 20 "http://127.0.0.1:$port/healthz")"
is 'a webhook is refused' 401 "$(curl -s -o /dev/null -w '%{http_code}' -m 20 \
    --data-binary @body "http://127.0.0.1:$port/webhooks/buildkite")"
is '/events is served' 101 "$(curl -s -o /dev/null -w '%{http_code}' -m 2 \
    -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
    -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
    "http://127.0.0.1:$port/events")"
ok 'the server lives' kill -0 "$server"

# What doctor asks.
status 'tack-verify -s: none is 1' 1 tack-verify -s NONE
is 'a variable is said' '1 variable TACK_X_TOKEN' \
    "$(TACK_X_TOKEN=abcd tack-verify -s X_TOKEN)"
printf 'a1\nb2\n' >two
is 'a file is said' "2 file $TMP/two" \
    "$(TACK_X_TOKEN_FILE=$TMP/two tack-verify -s X_TOKEN)"
status 'one that is wrong is 78' 78 env TACK_X_TOKEN=x tack-verify -s X_TOKEN
done_testing
