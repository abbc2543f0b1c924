#!/bin/sh
# SPDX-License-Identifier: ISC
# Every call that can fail, fails: once, and from then on (P19). The short form
# takes each call of a kind, but a thirtieth of the allocations; TACK_LONG=1
# takes them all, and then lets strace(1) do the same from the kernel's side.
. "$(dirname "$0")/lib.sh"

if [ -n "${TACK_SANITIZE:-}" ]; then
	echo '1..0 # SKIP a sanitizer has an allocator of its own'
	exit 0
fi
${CC:-cc} -O1 -shared -fPIC -D_GNU_SOURCE -o fail.so "$TOP/tests/fail.c" || exit
/usr/bin/python3 "$TOP/tests/sweep.py" "$TOP" fail.so "$@"
result=$?
cd / || exit
[ "$result" -ne 0 ] || rm -rf "$TMP"
exit "$result"
