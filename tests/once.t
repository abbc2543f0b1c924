#!/bin/sh
# SPDX-License-Identifier: ISC
# kill -9 at random points of tack-spawn: each trigger has one build all the
# same, and each build its end. TACK_LONG=1 for 1,000 points instead of 100.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

play '{"tokens": {"common": {"user": "a", "scopes": ["write_builds", "read_builds"], "orgs": null}},
  "limits": {"org": 1000000, "user": 1000000, "window": 60}, "latency": 0.05, "linger": 0.15}'
umask 077
echo common >token
TACK_BUILDKITE_TOKEN_FILE=$TMP/token
TACK_BUILDKITE_ORG=acme-forge
TACK_DB_PATH=$TMP/tack.db
cp -R "$TOP/share" .
TACK_SHARE=$TMP/share
export TACK_BUILDKITE_TOKEN_FILE TACK_BUILDKITE_ORG TACK_DB_PATH TACK_SHARE
jq '.budget = 1000000' "$TOP/share/providers/buildkite/provider.json" >share/providers/buildkite/provider.json
tack-init

if [ "${TACK_LONG:-0}" = 1 ]; then kills=1000; else kills=100; fi
seed=${TACK_SEED:-$$}
within /usr/bin/python3 "$TOP/tests/integration/kill.py" $kills "$seed" >result
note "seed $seed: $(cat result)"
is "$kills kills, and nothing is left undone" 0 "$(jq .open result)"
is 'each trigger has a build' '[]' "$(jq -c .none result)"
is 'and no second one' '[]' "$(jq -c .more result)"
is 'each is known by its id' 0 \
    "$(sqlite3 tack.db 'SELECT count(*) FROM build WHERE build_id IS NULL')"
is 'as the CI has it' "$(told builds 'map(.id) | sort | .[]' | tr -d '"')" \
    "$(sqlite3 tack.db 'SELECT build_id FROM build ORDER BY build_id')"
told builds '.[].id' | tr -d '"' | while read -r id; do
	direct "build/$id" '{"state": "passed"}'
done
within tack-poll | tack-resolve | tack-status >out
is 'each comes to its end, once' "$(jq .triggers result) success" \
    "$(tack-events | jq -r 'select(.event.workflow == "ci.yml" and (.event.pipeline | endswith("/first") | not)) | .event.status' | sort | uniq -c | awk '{ print $1, $2 }')"
is 'the database is whole' ok "$(sqlite3 tack.db 'PRAGMA integrity_check')"

done_testing
