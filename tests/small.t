#!/bin/sh
# SPDX-License-Identifier: ISC
# The hot tools are small: what they link, and how many instructions they
# take. TACK_STORE=1 stores the figures in tests/data/instructions.
. "$(dirname "$0")/lib.sh"

tools='verify resolve status events webhook'
stored=$DATA/instructions

for tool in $tools; do
	what="tack-$tool links no libcurl, libssl, libcrypto"
	if [ -n "${TACK_SANITIZE:-}" ]; then
		skip "$what" 'under the sanitizers'
	else
		ok "$what" sh -c "libs=\$(ldd '$TOP/bin/tack-$tool') &&
		    ! echo \"\$libs\" | grep -E 'lib(curl|ssl|crypto)'"
	fi
done

# What the figures hold for.
versions() {
	cc -dumpfullversion | sed 's/^/# cc /'
	for package in libc6 libjq1 libsqlite3-0 libnettle8 libbsd0; do
		# shellcheck disable=SC2016 # dpkg-query's own variables
		dpkg-query -W -f '# ${Package} ${Version}\n' "$package"
	done
	uname -m | sed 's/^/# /'
}

# The input of a tool: of tack-events it is the database alone.
payload=$DATA/buildkite/webhook-build-finished-passed.json
export TACK_BUILDKITE_WEBHOOK_MODE=token TACK_BUILDKITE_WEBHOOK_SECRET=0123456789abcdef0123
jq -nc --rawfile body "$payload" '{request: {method: "POST",
    path: "/webhooks/buildkite", query: "", at: 1800000000,
    headers: {"x-buildkite-token": "0123456789abcdef0123"}, body: ($body | @base64)}}' >verify.in
make_inputs() {
	rm -f tack.db*
	tack-init && tack-verify <verify.in >resolve.in &&
	    tack-resolve <resolve.in >status.in && tack-status <status.in >status.out
	: >events.in
	cp verify.in webhook.in
}

# One tool's instructions, on a fresh database but for tack-events.
instructions() {
	if [ "$1" != events ]; then
		rm -f tack.db*
		tack-init
	fi
	valgrind --tool=callgrind --callgrind-out-file=/dev/null \
	    "$TOP/bin/tack-$1" <"$1.in" 2>&1 >/dev/null |
		sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

skip=
if [ -n "${TACK_SANITIZE:-}" ]; then
	skip='under the sanitizers'
elif grep -aq 'clang version' "$TOP/bin/tack-verify"; then
	skip='another compiler than the figures hold for'
elif ! command -v valgrind >/dev/null; then
	skip='valgrind is not there'
elif ! command -v dpkg-query >/dev/null || ! versions >versions 2>/dev/null; then
	skip='not the versions the figures hold for'
elif [ "${TACK_STORE:-}" != 1 ] &&
    ! grep '^#' "$stored" 2>/dev/null | cmp -s versions -; then
	skip='other versions than the figures hold for'
fi

if [ -z "$skip" ]; then
	make_inputs
	ok 'the fixed input is published' \
	    jq -e '.outcome == "published"' status.out
	cp versions figures
	for tool in events verify resolve status webhook; do
		echo "tack-$tool $(instructions "$tool")"
	done >>figures
	[ "${TACK_STORE:-}" != 1 ] || cp figures "$stored"
fi
for tool in $tools; do
	what="tack-$tool takes the instructions stored, within 2 %"
	if [ -n "$skip" ]; then
		skip "$what" "$skip"
		continue
	fi
	is=$(sed -n "s/^tack-$tool //p" figures)
	was=$(sed -n "s/^tack-$tool //p" "$stored")
	note "tack-$tool: ${is:-no} instructions, stored ${was:-none}"
	ok "$what" awk -v is="${is:-0}" -v was="${was:-0}" 'BEGIN {
	    d = is - was; exit !(was > 0 && (d < 0 ? -d : d) <= was / 50) }'
done

# Start-up beside an empty program that links the same libraries.
echo 'int main(void) { return 0; }' >empty.c
if [ -z "${TACK_SANITIZE:-}" ] && cc -O2 -o empty empty.c -Wl,--no-as-needed \
    -lsqlite3 -ljq -lm -lnettle -lbsd 2>/dev/null; then
	[ -f tack.db ] || tack-init
	python3 - "$TOP/bin" <<'PY'
import os, statistics, subprocess, sys, time

def run(path):
    t = time.perf_counter()
    subprocess.run([path], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - t

for tool in ("verify", "resolve", "status", "events", "webhook"):
    path = os.path.join(sys.argv[1], "tack-" + tool)
    pairs = [(run("./empty"), run(path)) for _ in range(60)]
    a, b = (statistics.median(x) * 1000 for x in zip(*pairs))
    print("# tack-%s starts and ends in %.2f ms, an empty program in %.2f ms:"
        " %.2f times" % (tool, b, a, b / a))
PY
fi
done_testing
