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
ok 'P14 created rises whatever the clock says (14)' sort -nuc cursors
is 'P14 record keys are unique and in the order of created (14)' \
    "$(tack-events | jq -r .rkey)" "$(tack-events | jq -r .rkey | LC_ALL=C sort -u)"
is 'P14 a consumer with a cursor from before a jump misses nothing' 100 \
    "$(tack-events -c "$(sed -n 142p cursors)" | wc -l | tr -d ' ')"
sqlite3 tack.db 'DELETE FROM event'
last=$(tail -n 1 cursors)
echo '{"event":"e","build":{"status":"pending"},"ref":{"knot":"k","pipeline_rkey":"after","workflow":"1","pipeline_uri":"at://x"}}' |
    tack-status | jq -r .cursor >cursor
ok 'P14 created rises after the log was emptied' \
    [ "$(cat cursor)" -gt "$last" ]
done_testing
