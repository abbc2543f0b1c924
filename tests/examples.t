#!/bin/sh
# SPDX-License-Identifier: ISC
. "$(dirname "$0")/lib.sh"
cd "$TOP/share/examples" || exit

for script in s6/run ucspi/run; do
	ok "$script is sh" sh -n "$script"
	ok "$script can be run" test -x "$script"
done
for socket in systemd/*.socket; do
	ok "$socket: a burst does not close it" \
	    grep -qx 'TriggerLimitIntervalSec=0' "$socket"
done
ok 'a burst does not reach the limit of starts of inetd' \
    grep -q 'nowait\.1000000 ' inetd.conf
for example in systemd/tack-http*.service systemd/tack-reconcile.service \
    crontab inetd.conf s6/run ucspi/run; do
	ok "$example: references must be sealed" \
	    grep -q 'TACK_REQUIRE_SEALED_REF=1' "$example"
done
ok 'a service that is set up wrongly is not started again' \
    grep -qx 'RestartPreventExitStatus=64 78' systemd/tack-http.service
# What the examples start and name is there.
for tool in $(grep -rhoE 'tack-(http|init|[a-z]+)( |$)' systemd/*.service \
    s6 ucspi inetd.conf crontab | grep -v '[.@]' | sort -u); do
	ok "$tool is a tool" test -x "$TOP/bin/$tool"
done
for name in $(grep -rhoE 'TACK_[A-Z_]+' . | sort -u); do
	ok "$name is in a page" grep -rqw "$name" "$TOP/man"
done
# The usage that a tool prints, as words, without what tack(1) says beside it.
usage()
{
	"$1" -Z 2>&1 | sed -n '/^usage: /,$p' |
		sed -E 's/^usage: //; s/([^ ]) {2,}.*/\1/; /^ {20}/d'
}

synopsis()
{
	mandoc -T ascii -O width=500 "$1" | col -b |
		sed '1,/^SYNOPSIS/d; /^DESCRIPTION/,$d'
}

words()
{
	tr -s ' \t\n' ' ' | sed 's/^ //'
}

if command -v mandoc >/dev/null && command -v col >/dev/null; then
	for page in "$TOP"/man/*.[18]; do
		tool=$(basename "${page%.?}")
		is "$tool: the usage is the synopsis" \
		    "$(synopsis "$page" | words)" "$(usage "$tool" | words)"
	done
fi
# A name of a comment that stands for all of a kind is none.
for name in $(grep -rohE --include='*.[ch]' --include='tack*' --exclude='*.o' \
    -I 'TACK_[A-Z_]*[A-Z]' "$TOP/lib" "$TOP/bin" | sort -u |
    grep -v '^TACK_NAME'); do
	ok "$name is in tack(7)" grep -qw "$name" "$TOP/man/tack.7"
done
if command -v systemd-analyze >/dev/null; then
	for unit in systemd/*.service; do
		score=$(systemd-analyze security --offline=yes \
		    --no-pager "$unit" 2>/dev/null |
		    sed -n 's/.*level for [^:]*: \([0-9.]*\).*/\1/p')
		note "$unit: exposure ${score:-unknown}, of 10"
		# What asks the CIs needs the network.
		most=5
		grep -q '^PrivateNetwork=yes' "$unit" || most=15
		if [ -n "$score" ]; then
			ok "$unit: exposure is $((most / 10)).5 at most" \
			    systemd-analyze security --offline=yes \
			    --no-pager --threshold=$most "$unit"
		fi
	done
fi
done_testing
