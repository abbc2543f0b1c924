#!/bin/sh
# SPDX-License-Identifier: ISC
# A setting that cannot be read is said before anything is done, and named.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/rows.sh"

tack-init

# A table: the variable, its kind, the tools that heed it.  A number's kind is
# the least that it may be; the switch's is on.
cat >table <<'END'
TACK_BUILD_LIMIT 0 tack-poll
TACK_DEV on tack-spawn
TACK_DEV on tack-local create
TACK_LOCAL_FREE 0 tack-local create
TACK_LOCAL_JOBS 1 tack-local create
TACK_LOCAL_MEMORY 0 tack-local create
TACK_LOCAL_NETWORK on tack-local create
TACK_LOCAL_PROCESSES 1 tack-local create
TACK_LOCAL_TIMEOUT 1 tack-local create
TACK_REQUIRE_SEALED_REF on tack-poll
TACK_REQUIRE_SEALED_REF on tack-resolve
TACK_REQUIRE_SEALED_REF on tack-webhook
TACK_SPAWN_LIMIT 1 tack-cancel
TACK_SPAWN_LIMIT 1 tack-spawn
TACK_WEBHOOK_TOLERANCE 0 tack-verify
TACK_WEBHOOK_TOLERANCE 0 tack-webhook
END

openssl rand -hex 32 >key && chmod 600 key
export TACK_SEAL_KEY_FILE="$TMP/key" TACK_LOCAL_SANDBOX=none
jq -nc '{ref: {knot: "k", pipeline_rkey: "r", workflow: "w", attempt: 1},
    options: {}, clone: {skip: true},
    workflow: {steps: [{name: "x", command: "true"}]}}' >task

# refused VARIABLE VALUE TOOL...: is it 78, the variable named?
refused() {
	variable=$1 value=$2
	shift 2
	env "$variable=$value" "$@" <task >out 2>said
	echo "status $?, not 78, or not named: $variable=$value $*" >why
	grep -q '^status 78,' why && grep -q "$variable: $value: " said ||
		{ cat why said; false; }
}

# Were all refused?
refuse_all() {
	cat bad
	test ! -s bad
}

# Each variable and tool, with each value of its kind that is none.
while read -r variable kind tool; do
	set -- yes true on 2 -1 '1 ' 01 no
	[ "$kind" = on ] ||
		set -- abc 6h 1.5 0x10 '5 ' -1 99999999999999999999 $((kind - 1))
	for value; do
		# shellcheck disable=SC2086 # a tool and its words
		refused "$variable" "$value" $tool </dev/null
	done >bad 2>&1
	ok "$variable: $tool takes nothing but its kind" refuse_all
done <table

for tool in tack-poll tack-resolve; do
	for value in 0 ''; do
		status "TACK_REQUIRE_SEALED_REF=$value is off: $tool" 0 \
		    env -u TACK_SEAL_KEY_FILE "TACK_REQUIRE_SEALED_REF=$value" \
		    $tool </dev/null
	done
	status "1 is on: $tool wants the key" 78 \
	    env -u TACK_SEAL_KEY_FILE TACK_REQUIRE_SEALED_REF=1 $tool </dev/null
done
status 'an empty number is none' 0 env TACK_SPAWN_LIMIT= TACK_BUILD_LIMIT= \
    TACK_WEBHOOK_TOLERANCE= sh -ec 'tack-spawn && tack-poll' </dev/null
status 'a wrong port in TACK_LISTEN_ADDR is 78, and says whose' 78 sh -c '
    TACK_LISTEN_ADDR=127.0.0.1:http tack-http </dev/null 2>said
    status=$?
    grep -q "^tack-http: TACK_LISTEN_ADDR: " said && exit $status'

# The code is asked, so that a new setting is not forgotten here.
sed -n 's/.*setting_\(int\|on\)("\(TACK_[A-Z_]*\)".*/\2/p' \
    "$TOP"/bin/*.c "$TOP"/lib/*/*.c | sort -u >known
is 'the table has every number and switch of the code' "$(cat known)" \
    "$(cut -d' ' -f1 table | sort -u)"
for name in $(cat known); do
	grep -lE "^\\.It Ev (.* )?$name" "$TOP"/man/*.[1-8] >/dev/null ||
		echo "$name"
done >unsaid
is 'and every one is in a page' '' "$(cat unsaid)"

# tack doctor sees the same.
for name in $(grep ' on ' table | cut -d' ' -f1 | sort -u); do
	env "$name=yes" tack doctor >out 2>&1
	ok "tack doctor: $name is neither" \
	    grep -q "^wrong.*$name: yes: neither 0 nor 1" out
done

# A number in a provider's file.
mkdir share && cp -R "$TOP/share/." share
file=$TMP/share/providers/buildkite/provider.json
sqlite3 tack.db \
    "$(build_row provider=buildkite build_id=1 org=o pipeline=p)"
for budget in '"many"' 1.5 -1 null '[]'; do
	jq --argjson budget "$budget" '.budget = $budget' \
	    "$TOP/share/providers/buildkite/provider.json" >"$file"
	TACK_SHARE=$TMP/share tack-poll -p buildkite >out 2>said
	echo "status $?" >>said
	ok "a budget of $budget is 78, and its file is named" \
	    grep -qzE "$file: budget: .*status 78" said
done
done_testing
