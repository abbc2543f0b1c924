#!/bin/sh
# SPDX-License-Identifier: ISC
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/rows.sh"
unset TACK_BUILDKITE_WEBHOOK_SECRET TACK_BUILDKITE_WEBHOOK_SECRET_FILE \
    TACK_SEAL_KEY TACK_SEAL_KEY_FILE

resolved() {
	jq -nc --arg rkey "$1" --arg status "$2" --arg id "$3" '{
	    provider: "buildkite", event: "x",
	    build: {id: $id, state: "x", status: $status,
		error: "no\u001b[31m \u202egood"},
	    ref: {knot: "knot1.example.org", pipeline_rkey: $rkey,
		workflow: "ci.yml", pipeline_uri:
		"at://did:web:knot1.example.org/sh.tangled.pipeline/\($rkey)"}
	}'
}

tack-init
is 'an empty database lists nothing' '' "$(tack ls)"
resolved 3aaa pending b1 | tack-status >/dev/null
resolved 3aaa failed b1 | tack-status >/dev/null
resolved 3bbb running b2 | tack-status >/dev/null
resolved 3ccc running b3 | tack-status >/dev/null
build() {
	sqlite3 tack.db "$(build_row provider=buildkite knot=knot1.example.org \
	    workflow=ci.yml pipeline=p "$@")"
}
build build_id=b1 pipeline_rkey=3aaa number=12 \
    web_url:="'https://x' || char(27) || '[2J' || char(0x202e)"
build build_id=b2 pipeline_rkey=3bbb number=13 org=o web_url=https://x
sqlite3 tack.db 'UPDATE status SET created_at = created_at - 60000
    WHERE status = '"'failed'"

tack ls >out
is 'runs are listed, newest first' '3bbb 3aaa' \
    "$(cut -f 3 out | paste -sd ' ')"
is 'with the status first' 'running failed' "$(cut -f 1 out | paste -sd ' ')"
is 'and the build' 'buildkite 12' "$(tail -n 1 out | cut -f 5)"
is '-n limits them' 1 "$(tack ls -n 1 | grep -c '')"
status 'a number that is none is 64' 64 tack ls -n x
tack show 3aaa >shown
is 'statuses come from the log, in order' 'pending failed' \
    "$(sed -n 's/^  2[^ ]*Z  \([a-z]*\).*/\1/p' shown | paste -sd ' ')"
ok 'what is missing is named' grep -q 'missing *org$' shown
sqlite3 tack.db "INSERT INTO build (provider, knot, pipeline_rkey, workflow,
    verdict) VALUES ('none', 'knot1.example.org', '3ddd', 'ci.yml', 'failed')"
is 'but of a run that has no CI nothing is' 0 \
    "$(tack show 3ddd | grep -c missing)"
is 'a build id finds the run too' "$(cat shown)" "$(tack show b1)"
ok 'a run without a row is shown' tack show 3ccc
status 'no such run is 1' 1 tack show 3zzz
status 'a quote is a character' 1 tack show "' OR '1' = '1"
status 'show wants one argument' 64 tack show

# The bytes of ESC and of U+202E.
tame() {
	! LC_ALL=C grep -q "$(printf '\033\|\342\200\256')" "$1"
}
ok 'nothing steers the terminal from ls' tame out
ok 'nor from show' tame shown
ok 'but it is seen that something was there' grep -q '�' shown

status 'a good installation is 0' 0 tack doctor
tack doctor >out
ok 'the version of SQLite is named' grep -q "SQLite $(sqlite3 -version |
    cut -d' ' -f1)" out
is 'nobody is warned of a SQLite that they cannot choose' 0 \
    "$(grep -c '^warn.*SQLite' out)"
ok 'a secret that is not set is named' \
    grep -q 'BUILDKITE_WEBHOOK_SECRET: not set' out
ok 'a token that is not set is named' grep -q 'BUILDKITE_TOKEN: not set' out
ok 'a CI without webhooks wants no secret' \
    sh -c '! grep -q LOCAL_WEBHOOK_SECRET out'
TACK_BUILDKITE_WEBHOOK_SECRET=hush-hush tack doctor >out
ok 'a plain secret is warned of' grep -q '^warn.*in the environment' out
ok 'and not printed' sh -c '! grep -q hush-hush out'
(umask 077 && echo key >key && : >empty && echo key >open && chmod 644 open)
status 'a secret in a file is well' 0 env TACK_SEAL_KEY_FILE=key tack doctor
status 'an empty one is wrong' 1 env TACK_SEAL_KEY_FILE=empty tack doctor
status 'one open to others is wrong' 1 env TACK_SEAL_KEY_FILE=open tack doctor
status 'one that is not there is wrong' 1 env TACK_SEAL_KEY_FILE=no tack doctor
status 'seals wanted and no key is wrong' 1 \
    env TACK_REQUIRE_SEALED_REF=1 tack doctor
chmod 644 tack.db
status 'a database open to others is wrong' 1 tack doctor
chmod 600 tack.db
status 'no database is wrong' 1 tack doctor -d no.db
sqlite3 foreign.db 'CREATE TABLE t (x)'
status 'somebody else'"'"'s is wrong' 1 tack doctor -d foreign.db
cp tack.db old.db
sqlite3 old.db 'PRAGMA user_version = 0'
status 'another version is wrong' 1 tack doctor -d old.db
status 'no shared files are wrong' 1 env TACK_SHARE=/nonexistent tack doctor
status 'ls without a database is 66' 66 tack ls -d no.db
status 'ls of another database is 78' 78 tack ls -d foreign.db

is 'another verb is its tool' "$(tack-request -h)" "$(tack request -h)"
status 'with its exit status' 64 tack request
status 'a verb that is none is 127' 127 tack nonsense
status 'a path is no verb' 127 tack ../bin/tack
status 'no verb is 64' 64 tack
status 'help is 0' 0 tack help
status '-h is 0' 0 tack -h
done_testing
