#!/bin/sh
# SPDX-License-Identifier: ISC
# Every older schema becomes the newest, whatever happens meanwhile; what is
# newer or not ours is left alone (P30). tests/data/schema/N.sql is a database
# of version N, by sqlite3(1)'s .dump and the two pragmas.
. "$(dirname "$0")/lib.sh"

newest=0
while [ -f "$TOP/share/migrate/$((newest + 1)).sql" ]; do
	newest=$((newest + 1))
done

version() {
	sqlite3 "$1" 'PRAGMA user_version;'
}

# The database of a version, as tack-init left it then.
restore() {
	rm -f tack.db*
	sqlite3 tack.db <"$DATA/schema/$1.sql"
	sqlite3 tack.db 'PRAGMA journal_mode = WAL;' >/dev/null
}

tack-init -d new.db
shape() {
	sqlite3 "$1" "SELECT s.type, s.name, s.tbl_name, i.cid, i.name, i.type,
	    i.[notnull], i.dflt_value, i.pk FROM sqlite_schema s
	    LEFT JOIN pragma_table_info(s.name) i
	    WHERE s.name NOT LIKE 'sqlite_stat%' ORDER BY 2, 4;"
}
shape new.db >new.shape

old=0
while [ $((old = old + 1)) -lt "$newest" ]; do
	ok "version $old: a dump is kept" test -f "$DATA/schema/$old.sql"
	restore "$old"
	for tool in verify:0 resolve:78 status:78 events:78; do
		status "version $old: tack-${tool%:*} has ${tool#*:}" \
		    "${tool#*:}" "tack-${tool%:*}" </dev/null
	done
	ok "version $old: and tells what to run" \
	    sh -c 'tack-status </dev/null 2>&1 | grep -q tack-init'
	sqlite3 tack.db 'SELECT created, rkey, nsid, event FROM event
	    ORDER BY created' >events.old
	for row in build:workflow,provider,build_id,knot,pipeline_rkey,number,org,pipeline,web_url \
	    status:workflow,knot,pipeline_rkey,status,created_at,started_at,finished_at,held,ask; do
		sqlite3 tack.db "SELECT ${row#*:} FROM ${row%%:*} ORDER BY 1, 2, 3" \
		    >"${row%%:*}.old"
	done
	status "version $old: is migrated" 0 tack-init
	is "version $old: to the newest" "$newest" "$(version tack.db)"
	is "version $old: and is whole" ok \
	    "$(sqlite3 tack.db 'PRAGMA integrity_check; PRAGMA foreign_key_check;')"
	shape tack.db >shape
	ok "version $old: with the tables of a new one" diff new.shape shape
	sqlite3 tack.db 'SELECT created, rkey, nsid, event FROM event
	    ORDER BY created' >events.new
	ok "version $old: the log is the same, byte by byte" \
	    cmp events.old events.new
	for row in build:workflow,provider,build_id,knot,pipeline_rkey,number,org,pipeline,web_url \
	    status:workflow,knot,pipeline_rkey,status,created_at,started_at,finished_at,held,ask; do
		sqlite3 tack.db "SELECT ${row#*:} FROM ${row%%:*} ORDER BY 1, 2, 3" \
		    >"${row%%:*}.new"
		ok "version $old: each ${row%%:*} is kept" \
		    cmp "${row%%:*}.old" "${row%%:*}.new"
	done
	tail -n 1 events.old | cut -d'|' -f1 >last
	is "version $old: a cursor of then still holds" '' \
	    "$(tack-events -c "$(cat last)")"
	jq -nc '{event: "build.running", build: {id: "n", status: "pending"},
	    ref: {knot: "k", pipeline_rkey: "new", workflow: "w",
	    pipeline_uri: "at://x"}}' | tack-status >/dev/null
	is "version $old: and what is new comes after it" pending \
	    "$(tack-events -c "$(cat last)" | jq -r .event.status)"
done
note "P30: versions 1 to $newest, $((old - 1)) older"

restore 2
sqlite3 tack.db "WITH RECURSIVE n (i) AS
	(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001)
    INSERT INTO build (provider, build_id, knot, pipeline_rkey, workflow)
    SELECT 'p', i, 'k', i, 'w' FROM n"
is 'who waits for a large one is told how far it is' 'tack-init: version 3: ' \
    "$(tack-init 2>&1 | sed -n 's/[0-9]* builds (1 of 3)$//p')"

# A version that is not ours to know: refused by all, and left as it is.
refused() {
	cp new.db refused.db
	sqlite3 refused.db "PRAGMA wal_checkpoint(TRUNCATE); $2" >/dev/null
	cksum <refused.db >before
	status "$1: tack-init has 78" 78 tack-init -d refused.db
	for tool in resolve status events; do
		status "$1: tack-$tool has 78" 78 \
		    "tack-$tool" -d refused.db </dev/null
	done
	cksum <refused.db >after
	ok "$1: and is left alone" cmp before after
}
refused 'a newer version' "PRAGMA user_version = $((newest + 1))"
refused 'a far newer version' 'PRAGMA user_version = 2147483647'
refused 'another application_id' 'PRAGMA application_id = 7'
refused 'no application_id' 'PRAGMA application_id = 0'

# Killed at any moment, and under load.
if [ "$newest" -gt 1 ]; then
	rounds=25
	[ "${TACK_LONG:-}" != 1 ] || rounds=1000
	/usr/bin/python3 "$TOP/tests/migrate.py" "$newest" "$rounds" \
	    "$DATA"/schema/*.sql >figures 2>&1
	result=$?
	sed 's/^/# /' figures
	ok 'P30 killed at any moment under load: old or new, nothing lost' \
	    [ "$result" -eq 0 ]
fi
done_testing
