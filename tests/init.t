#!/bin/sh
# SPDX-License-Identifier: ISC
. "$(dirname "$0")/lib.sh"

pragma() {
	sqlite3 "$1" "PRAGMA $2;"
}

status 'a database is made' 0 tack-init -d a.db
is 'it is tack'"'"'s' 1952539499 "$(pragma a.db application_id)"
is 'it has the newest version' "$(find "$TOP/share/migrate" -name '*.sql' |
	wc -l)" "$(pragma a.db user_version)"
is 'it is in WAL mode' wal "$(pragma a.db journal_mode)"
is 'nobody else may read it, its lock or its bell' '600 600 600' \
    "$(stat -c %a a.db a.db-lock a.db-bell | paste -sd ' ')"
is 'all its tables are strict' 0 "$(sqlite3 a.db "SELECT count(*)
    FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
    AND NOT strict
    AND name NOT LIKE 'sqlite_%'")"

sqlite3 a.db .dump >before
status 'again is nothing to do' 0 tack-init -d a.db
sqlite3 a.db .dump >after
ok 'and changes nothing' cmp before after

TACK_DB_PATH=$TMP/b.db tack-init
ok 'TACK_DB_PATH names the database' test -f b.db
(mkdir c && cd c && tack-init)
ok 'tack.db is the default' test -f c/tack.db
status 'a name may look like an option' 0 tack-init -d -x.db
status 'a name may look like a URI' 0 tack-init -d 'file:x.db?mode=memory'
ok 'and is a name' test -f 'file:x.db?mode=memory'

cp -R "$TOP/share" share
next=$(($(pragma a.db user_version) + 1))
echo 'ALTER TABLE event ADD COLUMN more TEXT;' >"share/migrate/$next.sql"
newer() {
	TACK_SHARE=$TMP/share tack-init "$@"
}
status 'an older database is migrated' 0 newer -d a.db
is 'to the newer version' "$next" "$(pragma a.db user_version)"
status 'a newer database is refused' 78 tack-init -d a.db
is 'and left alone' "$next" "$(pragma a.db user_version)"

echo 'CREATE TABLE half (x TEXT) STRICT; CREATE TABLE half (x TEXT);' \
    >"share/migrate/$((next + 1)).sql"
status 'a migration that fails is 70' 70 newer -d a.db
is 'and leaves the version' "$next" "$(pragma a.db user_version)"
is 'and no half of it' 0 "$(sqlite3 a.db \
    "SELECT count(*) FROM sqlite_schema WHERE name = 'half'")"

sqlite3 foreign.db 'CREATE TABLE t (x)'
status 'somebody else'"'"'s database is refused' 78 tack-init -d foreign.db
sqlite3 id.db 'PRAGMA application_id = 7'
status 'another application_id is refused' 78 tack-init -d id.db
is 'and is left' 7 "$(pragma id.db application_id)"
echo 'this is not a database, but text' >text.db
status 'what is no database is refused' 78 tack-init -d text.db
is 'and is left' 'this is not a database, but text' "$(cat text.db)"
status 'a directory that is not there is 73' 73 tack-init -d none/a.db
status 'a directory as a database is 73' 73 tack-init -d c
status 'no migrations are 78' 78 env TACK_SHARE=/nonexistent tack-init -d z.db
status 'usage is 64' 64 tack-init extra
status '-h is 0' 0 tack-init -h

message() {
	"$@" 2>&1 >/dev/null </dev/null | sed 's/^[a-z-]*: //'
}
for version in 1 99; do
	sqlite3 z.db "PRAGMA application_id = 1952539499;
	    PRAGMA user_version = $version; CREATE TABLE IF NOT EXISTS t (x)"
	is "version $version: tack ls says what the tools say" \
	    "$(message tack-events -d "$TMP/z.db")" \
	    "$(message tack ls -d "$TMP/z.db")"
	is "version $version: and tack doctor" \
	    "$(message tack-events -d "$TMP/z.db")" \
	    "$(tack doctor -d "$TMP/z.db" | sed -n 's/^wrong.\(.*version\)/\1/p' | head -n 1)"
done
is 'and tack-init what is too new' "$(message tack-events -d "$TMP/z.db")" \
    "$(message tack-init -d "$TMP/z.db")"
is 'and what is not tack'"'"'s' "$(message tack-events -d "$TMP/foreign.db")" \
    "$(message tack-init -d "$TMP/foreign.db" | sed 's/; .*//')"

for _ in 1 2 3 4 5 6 7 8; do
	(tack-init -d race.db; echo $? >>race) &
done
wait
is 'eight at once make one' '8 0' "$(sort race | uniq -c | xargs)"
is 'and it is whole' ok "$(pragma race.db quick_check)"
done_testing
