#!/bin/sh
# SPDX-License-Identifier: ISC
# A filter that runs for months keeps nothing of the records it has passed.
. "$(dirname "$0")/lib.sh"

if ! command -v valgrind >/dev/null || [ -n "${TACK_SANITIZE:-}" ]; then
	echo '1..0 # SKIP valgrind is missing, or the build is sanitized'
	exit 0
fi
tack-init
printf 's3cret' >secret && chmod 600 secret
printf 'X-Buildkite-Token: s3cret\n' >header
export TACK_BUILDKITE_WEBHOOK_SECRET_FILE="$TMP/secret"
export TACK_BUILDKITE_WEBHOOK_MODE=token

# kept TOOL RECORDS: bytes in use at exit, and the errors valgrind saw.
kept() {
	valgrind --log-file=log "$1" <"$2" >out 2>err
	sed -n 's/.*in use at exit: \([0-9,]*\) bytes.*/\1/p' log | tr -d ,
}

many() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		cat "$1"
	done
}

# Good ones, a forged one, a malformed one, one that tells of no build.
for name in build-scheduled build-running build-finished-passed ping; do
	tack-request -H @header buildkite \
	    <"$DATA/buildkite/webhook-$name.json"
done >verify.1
tack-request -H 'X-Buildkite-Token: other' buildkite <header >>verify.1
tack-request -H @header buildkite <header >>verify.1
tack-verify <verify.1 >resolve.1 2>log
tack-resolve <resolve.1 >status.1
for tool in verify resolve status; do
	many $tool.1 >$tool.10
	many $tool.10 >$tool.100
	few=$(kept tack-$tool $tool.10)
	lots=$(kept tack-$tool $tool.100)
	note "tack-$tool keeps $few bytes after 60 records, $lots after 600"
	is "tack-$tool keeps no record" "$few" "$lots"
	ok "and valgrind has no error to tell" \
	    grep -q 'ERROR SUMMARY: 0 errors' log
	is 'and every record came out' "$(wc -l <$tool.100)" "$(wc -l <out)"
done
done_testing
