# SPDX-License-Identifier: ISC
# TAP for sh: ok 'fact' command..., is 'fact' expected actual,
# status 'fact' N command..., soon 'fact' command..., skip 'fact' why,
# note text, done_testing. Each test file starts in $TMP, a fresh directory that
# is kept and named when a fact fails.
#
# No fact holds or fails by the clock alone. What comes true is waited for
# (soon, until_ok), what must end is given all the time it may want (within), and
# a deadline that runs out says that it did. How long something took is a note;
# where that is a promise, it is judged beside a floor of the same minute.
TOP=$(cd "$(dirname "$0")/.." && pwd)
DATA=$TOP/tests/data
TMP=$(mktemp -d "${TMPDIR:-/tmp}/tack.XXXXXX")
PATH=$TOP/bin:$PATH
TACK_SHARE=$TOP/share
export PATH TACK_SHARE
unset TACK_DB_PATH TACK_REQUIRE_SEALED_REF CREDENTIALS_DIRECTORY \
    TACK_OWNER_DID TACK_LISTEN_ADDR TACK_PULLS TACK_ALLOW_FILE
cd "$TMP" || exit
n=0 bad=0 waited=0
. "$TOP/tests/wait.sh"

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

# A fact that cannot be tried here.
skip() {
	n=$((n + 1))
	printf 'ok %d - %s # SKIP %s\n' "$n" "$1" "$2"
}

note() {
	printf '# %s\n' "$*"
}

# ok as soon as it holds.
soon() {
	fact=$1
	shift
	ok "$fact" until_ok "$@"
	note "after $waited ms"
}

# The seconds that anything may take which ends by itself.
PATIENCE=900
[ -z "${TACK_LONG:-}" ] || PATIENCE=36000

# Run a program, but not for ever.
within() {
	timeout "$PATIENCE" "$@"
	rc=$?
	[ "$rc" -ne 124 ] ||
		echo "a deadline ran out: no end within $PATIENCE s: $*" >&2
	return "$rc"
}

# Run a proof in Python. It leaves its figures in a file of that name, as NAME=N,
# which become variables.
figures() {
	rm -f figures
	within /usr/bin/python3 "$@" 2>>log
	rc=$?
	if [ -e figures ]; then
		. ./figures
	else
		note "$1 came to no figures, and ended with $rc"
		tail -n 20 log | sed 's/^/# /'
	fi
}

# A port that nobody has just now.
free_port() {
	/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
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
