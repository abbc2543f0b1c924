#!/bin/sh
# SPDX-License-Identifier: ISC
# The whole chain, a knot in front and a CI behind: killed at random, and with
# the troubles that a small machine has. Nobody restarts anything but the
# supervisor. TACK_LONG=1 for 1,000 kills and every trouble five times.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

kills=60 days=1
[ -z "${TACK_LONG:-}" ] || kills=1000 days=5
seed=${TACK_SEED:-$$}
umask 077
echo common >token
echo webhook >secret
TACK_BUILDKITE_TOKEN_FILE=$TMP/token
TACK_BUILDKITE_WEBHOOK_SECRET_FILE=$TMP/secret
TACK_BUILDKITE_ORG=acme-forge
TACK_DEV=1
cp -R "$TOP/share" .
TACK_SHARE=$TMP/share
export TACK_BUILDKITE_TOKEN_FILE TACK_BUILDKITE_WEBHOOK_SECRET_FILE \
    TACK_BUILDKITE_ORG TACK_DEV TACK_SHARE TOP
jq '.budget = 1000000' "$TOP/share/providers/buildkite/provider.json" \
    >share/providers/buildkite/provider.json

# siege DIRECTORY MODE AMOUNT: a knot, a CI, and what comes of it all there.
siege() {
	cd "$1" || exit
	KNOT_DB=$TMP/$2.db SIEGE_ERR=$TMP/$2.err TACK_DB_PATH=$PWD/tack.db
	export KNOT_DB SIEGE_ERR TACK_DB_PATH
	tack-init
	tack-init -d "$KNOT_DB"
	TACK_DB_PATH=$KNOT_DB tack-http -l 127.0.0.1:0 2>"$TMP/$2.log" &
	knot_pid=$!
	KNOT=$(address "$TMP/$2.log")
	# A port that is free now, for a server that is started again and again.
	WEBHOOKS=127.0.0.1:$(/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
	export KNOT WEBHOOKS
	play "{
	  \"tokens\": {\"common\": {\"user\": \"a\", \"scopes\": [\"write_builds\", \"read_builds\"], \"orgs\": null}},
	  \"limits\": {\"org\": 1000000, \"user\": 1000000, \"window\": 60},
	  \"script\": [[0.3, \"running\"], [0.6, \"passed\"]],
	  \"webhook\": {\"url\": \"http://$WEBHOOKS/webhooks/buildkite\", \"secret\": \"webhook\"}}"
	trap 'kill $knot_pid $play_pid 2>/dev/null; umount "$TMP/disk" 2>/dev/null' EXIT
	within /usr/bin/python3 "$TOP/tests/integration/siege.py" "$2" "$3" \
	    "$seed" >"$TMP/result"
	note "seed $seed: $(jq -c 'del(.wrong)' "$TMP/result")"
	is "$2: each push has one build and its end" '{}' \
	    "$(jq -c .wrong "$TMP/result")"
	is "$2: the database is whole" ok \
	    "$(sqlite3 "$TACK_DB_PATH" 'PRAGMA integrity_check')"
	is "$2: no status went out twice" '' "$(tack-events |
	    jq -r 'select(.nsid == "sh.tangled.pipeline.status") | .event
		| "\(.pipeline) \(.workflow) \(.status)"' | sort | uniq -d)"
	kill $knot_pid $play_pid
	cd "$TMP" || exit
}

mkdir kills disk
siege kills kills $kills
if mount -t tmpfs -o size=24m tmpfs disk 2>/dev/null; then
	siege disk troubles $days
else
	skip 'troubles' 'no file system of its own can be mounted here'
fi
umount "$TMP/disk" 2>/dev/null
done_testing
