#!/bin/sh
# SPDX-License-Identifier: ISC
# Cost does not grow with history: every statement of every tool is answered
# from an index, and takes with 100,000 builds behind it what it takes with
# ten. TACK_LONG=1 has a million.
. "$(dirname "$0")/lib.sh"

many=100000
[ "${TACK_LONG:-}" != 1 ] || many=1000000
growth() {
	/usr/bin/python3 "$TOP/tests/growth.py" "$@"
}

# What people's commands ask: each query that sqlite3(1) is given.
mkdir log && real=$(command -v sqlite3)
cat >log/sqlite3 <<'SH'
#!/bin/sh
for query; do :; done
case $query in
*SELECT*|*WITH*)
	printf '%s\n;\n' "$query" >>"$QUERIES" ;;
esac
exec "$REAL" "$@"
SH
chmod +x log/sqlite3
export QUERIES="$TMP/asked.sql" REAL="$real"

tack-init -d small.db
growth fill small.db 10
tack-init -d large.db
growth fill large.db "$many"
key=$(sqlite3 small.db 'SELECT pipeline_rkey FROM build WHERE id = 10')
for verb in 'ls' 'ls -n 5' "show -d small.db $key" "logs -d small.db $key"; do
	case $verb in
	ls*)	set -- $verb -d small.db ;;
	*)	# shellcheck disable=SC2086 # a verb and its arguments
		set -- $verb ;;
	esac
	PATH=$TMP/log:$PATH tack "$@" >/dev/null 2>&1
done
is 'the queries of tack are had' 4 "$(grep -c '^;' asked.sql)"

growth plans large.db "$TOP"/lib/*/*.o "$TOP"/bin/*.o asked.sql >plans
result=$?
grep '^#' plans
ok 'no statement reads a table that grows' sh -c "cat plans; exit $result"
growth steps small.db large.db "$TOP"/lib/*/*.o "$TOP"/bin/*.o asked.sql >steps
result=$?
grep '^#' steps
ok "each takes with $many builds at most twice the steps that it takes with ten" \
    sh -c "cat steps; exit $result"

rm -f large.db*
tack-init -d pages.db
export TACK_BUILDKITE_WEBHOOK_MODE=token TACK_BUILDKITE_WEBHOOK_SECRET=0123456789abcdef0123
growth pages pages.db "$DATA/buildkite/webhook-build-finished-passed.json" \
    >pages
result=$?
grep '^#' pages
ok 'a webhook writes no more pages than it did without the indexes' \
    sh -c "cat pages; exit $result"
done_testing
