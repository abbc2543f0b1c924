# SPDX-License-Identifier: ISC
# TAP for sh: ok 'fact' command..., is 'fact' expected actual,
# status 'fact' N command..., note text, done_testing. Each test file starts
# in $TMP, a fresh directory that is kept and named when a fact fails.
TOP=$(cd "$(dirname "$0")/.." && pwd)
DATA=$TOP/tests/data
TMP=$(mktemp -d "${TMPDIR:-/tmp}/tack.XXXXXX")
PATH=$TOP/bin:$PATH
TACK_SHARE=$TOP/share
export PATH TACK_SHARE
unset TACK_DB_PATH TACK_REQUIRE_SEALED_REF CREDENTIALS_DIRECTORY \
    TACK_OWNER_DID TACK_LISTEN_ADDR TACK_PULLS TACK_ALLOW_FILE
cd "$TMP" || exit
n=0 bad=0

result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		printf "ok %d - %s\n" "$n" "$2"
	else
		bad=$((bad + 1))
		printf "not ok %d - %s\n" "$n" "$2"
		sed 's/^/# /' "$TMP/.shown"
	fi
}

ok() {
	fact=$1
	shift
	"$@" >"$TMP/.shown" 2>&1
	result $? "$fact"
}

is() {
	printf 'expected: %s\nactual:   %s\n' "$2" "$3" >"$TMP/.shown"
	[ "$2" = "$3" ]
	result $? "$1"
}

status() {
	fact=$1 want=$2
	shift 2
	"$@" >"$TMP/.shown" 2>&1
	got=$?
	echo "exit status $got, not $want" >>"$TMP/.shown"
	[ "$got" -eq "$want" ]
	result $? "$fact"
}

note() {
	printf '# %s\n' "$*"
}

done_testing() {
	echo "1..$n"
	cd / || exit
	if [ "$bad" -eq 0 ]; then
		rm -rf "$TMP"
	else
		note "kept $TMP"
	fi
	[ "$bad" -eq 0 ]
}
