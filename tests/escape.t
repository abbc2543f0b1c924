#!/bin/sh
# SPDX-License-Identifier: ISC
# From inside each sandboxed tool: open, connect, run, and fail (P23).
. "$(dirname "$0")/lib.sh"

if [ -n "${TACK_SANITIZE:-}" ]; then
	echo '1..0 # SKIP a sanitizer must be loaded first'
	exit 0
fi
${CC:-cc} -O1 -shared -fPIC -D_GNU_SOURCE -o escape.so "$TOP/tests/escape.c" ||
	exit
mkdir mine outside
touch outside/secret outside/spare outside/other mine/in
printf 'a secret' >secret && chmod 600 secret
export TACK_BUILDKITE_WEBHOOK_MODE=token TACK_DB_PATH=mine/tack.db
export TACK_BUILDKITE_WEBHOOK_SECRET_FILE="$TMP/secret"
tack-init

# probe TOOL: what it tried, and how that ended.
probe() {
	within env ESCAPE="$TMP/outside" LD_PRELOAD="$TMP/escape.so" \
	    "$1" <mine/in 2>&1 >/dev/null | grep -E '^(denied|ESCAPED) '
}

probe cat >all
ok 'outside a sandbox the same attempts succeed, but for a few' \
    [ "$(grep -c '^ESCAPED' all)" -ge 14 ]
touch outside/spare outside/other
rm -rf outside/new* outside/renamed

# Where there is no Landlock, files are within reach.
landlock=$(grep -c landlock /sys/kernel/security/lsm 2>/dev/null)
for tool in verify resolve status webhook events; do
	probe "tack-$tool" >tried
	if [ "${landlock:-0}" -eq 0 ] && ! grep -q 'denied open a file' tried
	then
		grep -E 'run|socket|version 6|local|kernel' tried >some
		mv some tried
		note 'no Landlock here'
	fi
	escaped=$(grep '^ESCAPED' tried)
	is "P23 tack-$tool: no way out" '' "$escaped"
	count=$(wc -l <tried | tr -d ' ')
	note "P23: tack-$tool: $count attempts, $(grep -c ESCAPED tried) escapes"
	ok "P23 tack-$tool: and it was tried" [ "$count" -ge 7 ]
done
is 'P23 nothing has come or gone' 'other secret spare' \
    "$(find outside -type f -printf "%f\n" | sort | xargs)"

if command -v systemd-analyze >/dev/null; then
	cd "$TOP/share/examples/systemd" || exit
	for unit in *.service; do
		# What dials out needs the network.
		most=5
		grep -q '^RestrictAddressFamilies=.*AF_INET' "$unit" && most=15
		status "P23 $unit: exposure is at most $most tenths" 0 \
		    systemd-analyze security --offline=yes --no-pager \
		    --threshold=$most "$unit"
	done
fi
done_testing
