#!/bin/sh
# SPDX-License-Identifier: ISC
# Time may jump, and differ from process to process: P14.
. "$(dirname "$0")/lib.sh"

if ! command -v faketime >/dev/null || [ -n "${TACK_SANITIZE:-}" ]; then
	echo '1..0 # SKIP faketime is missing, or does not go with ASan'
	exit 0
fi
tack-init
i=0
for shift in +0 -1h +1h +0 -30d +0 -1h +1h -1h +10y +0 -1h; do
	i=$((i + 1))
	seq 20 | jq -c --arg i "$i" '{event: "build.any", build: {id: "u", status: "pending"},
	    ref: {knot: "k", pipeline_rkey: "r\($i)-\(.)", workflow: "w",
	    pipeline_uri: "at://did:web:k/sh.tangled.pipeline/r"}}' |
	    faketime -f "$shift" tack-status | jq -r .cursor
done >cursors
faketime -f '@2026-01-01 00:00:00' tack-status <<'EOF' | jq -r .cursor >>cursors
{"event":"e","build":{"status":"pending"},"ref":{"knot":"k","pipeline_rkey":"f","workflow":"1","pipeline_uri":"at://x"}}
{"event":"e","build":{"status":"pending"},"ref":{"knot":"k","pipeline_rkey":"f","workflow":"2","pipeline_uri":"at://x"}}
EOF
note "P14: $(wc -l <cursors | tr -d ' ') events under 12 clocks and a frozen one"
ok 'P14 created rises whatever the clock says' sort -nuc cursors
is 'P14 record keys are unique and in the order of created' \
    "$(tack-events | jq -r .rkey)" "$(tack-events | jq -r .rkey | LC_ALL=C sort -u)"
is 'P14 a consumer with a cursor from before a jump misses nothing' 100 \
    "$(tack-events -c "$(sed -n 142p cursors)" | wc -l | tr -d ' ')"
sqlite3 tack.db 'DELETE FROM event'
last=$(tail -n 1 cursors)
echo '{"event":"e","build":{"status":"pending"},"ref":{"knot":"k","pipeline_rkey":"after","workflow":"1","pipeline_uri":"at://x"}}' |
    tack-status | jq -r .cursor >cursor
ok 'P14 created rises after the log was emptied' \
    [ "$(cat cursor)" -gt "$last" ]

# A clock that was ahead for a while, and is right again.
rm -f tack.db*
tack-init
word() {
	jq -nc --arg event "$1" --arg status "$2" --argjson at "$(date +%s)" '{
	    provider: "x", event: $event, asked_at: ($at * 1000 + 999),
	    ref: {knot: "k", pipeline_rkey: "r", workflow: "w",
		pipeline_uri: "at://x"},
	    build: {id: "1", status: $status,
		started_at: "2026-11-01T00:00:00Z",
		finished_at: "2026-11-01T00:01:00Z"}}'
}
first=$(word build.finished success | faketime -f +2y tack-status |
    jq -r .status.createdAt)
word poll failed | tack-status >out
is 'what the CI answers when asked stands over a status of a time to come' \
    published "$(jq -r .outcome out)"
ok 'and is dated after it, for else Tangled would not show it' \
    [ "$(jq -r .status.createdAt out | cut -c1-4)" -ge "$(echo "$first" | cut -c1-4)" ]

jq -nc '{rkey: "3mtj73ais6k22", nsid: "sh.tangled.pipeline", event: {
    triggerMetadata: {kind: "push", push: {ref: "refs/heads/main",
	newSha: ("a" * 40), oldSha: ("b" * 40)}, repo: {knot: "knot.example",
	did: "did:plc:aaa", repo: "r", defaultBranch: "main"}},
    workflows: [{name: "ci.yml", clone: {},
	raw: "tack:\n  buildkite:\n    pipeline: lantern\n"}]}}' >push
echo tok >token && chmod 600 token
export TACK_DEV=1 TACK_BUILDKITE_TOKEN_FILE="$TMP/token" \
    TACK_BUILDKITE_ORG=acme TACK_BUILDKITE_API=http://127.0.0.1:9
faketime -f +2y tack-spawn <push >out 2>log
is 'a start is put off by a clock that is ahead' deferred \
    "$(jq -r .outcome out)"
built() {
	sqlite3 -readonly tack.db "SELECT $1 FROM build
	    WHERE knot = 'knot.example'"
}
ok 'for two years' [ "$(built '(not_before - unixepoch()) / 86400')" -ge 729 ]
tries=$(built tries)
tack-spawn -r >out 2>log
is 'the next round tries it again' "$((tries + 1))" "$(built tries)"
is 'no time of it is to come' 0 "$(built 'created_at > unixepoch() + 5
    OR ifnull(sent_at, 0) > unixepoch() + 5 OR not_before > unixepoch() + 3600')"
sqlite3 tack.db 'UPDATE build SET not_before = not_before + 63072000'
tack-spawn <push >out 2>log
is 'and so does the same record' "$((tries + 2))" "$(built tries)"
sqlite3 tack.db 'UPDATE build SET not_before = 0,
    created_at = created_at - 3700'
tack-spawn -r >out 2>log
is 'and it is given up in an hour, not in two years' failed "$(built verdict)"
sqlite3 tack.db "UPDATE build SET verdict = NULL, build_id = 'b',
    created_at = unixepoch() + 63072000, missing_at = unixepoch() + 63072000;
    INSERT INTO poll (account, at)
	VALUES ('buildkite/acme', unixepoch() + 63072000);
    UPDATE budget SET at = at + 63072000000, until = at + 63072000000"
tack-poll >out 2>log
is 'a build is not late in two years only' 0 "$(built 'created_at > unixepoch() + 5
    OR ifnull(missing_at, 0) > unixepoch() + 5')"
ok 'and the CI is asked in spite of a budget of then' grep -qv 'asked too often' log
done_testing
