#!/bin/sh
# SPDX-License-Identifier: ISC
# What stands beside the database: by its real path, never through a link, and
# by the file that is there.
. "$(dirname "$0")/lib.sh"

record() {
	jq -nc --arg rkey "$1" '{event: "e", build: {status: "running"},
	    ref: {knot: "k", pipeline_rkey: $rkey, workflow: "w",
	    pipeline_uri: "at://x"}}'
}

# Wait for a command to hold, so long that nobody is so slow.
until_holds() {
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.1
	done
}

mkdir real link
ln -s ../real/t.db link/t.db
export TACK_DB_PATH=link/t.db
status 'a database may be made through a link' 0 tack-init
record a | tack-status >out
ok 'and written to' grep -q published out
tack-events >out
ok 'and read' grep -q running out
tack-poll
tack-reconcile
jq -nc '{verb: "cancel", ref: {knot: "k", pipeline_rkey: "a",
    workflow: "w"}}' | tack-cancel >/dev/null
status 'and looked at' 0 tack doctor
is 'nothing stands beside the link' 't.db' "$(ls link)"
ok 'all stands beside the database' ls real/t.db-lock real/t.db-bell \
    real/t.db-claim real/t.db-round
unset TACK_DB_PATH

tack-init
echo abcd >victim
for file in lock bell claim round; do
	rm -f tack.db-$file
	ln -s victim tack.db-$file
done
status 'a lock that is a link is refused' 78 sh -c 'tack-status </dev/null'
status 'by what makes the database, too' 78 tack-init
status 'and a round that is one' 78 tack-reconcile
rm tack.db-lock
status 'and a claim that is one' 78 tack-poll
record a | tack-status >out 2>log
ok 'a bell that is a link is not rung' grep -q published out
is 'and nothing is written through a link' abcd "$(cat victim)"
status 'doctor says so' 1 tack doctor
tack doctor >out
is 'of each' 3 "$(grep -c '^wrong.*symbolic link' out)"

rm -f tack.db* && tack-init
mkfifo in
tack-status <in >out 2>log &
writer=$!
exec 3>in
record one >&3
until_holds test -s out
rm tack.db-lock
flock tack.db-lock sh -c 'echo >taken; sleep 1; echo >released' &
until_holds test -e taken
record two >&3
until_holds sh -c '[ "$(grep -c published out)" = 2 ]'
ok 'who holds a lock that is gone takes the one that is there' test -e released
exec 3>&-
wait "$writer"
is 'and ends well' 0 $?
rm -f in

mkfifo in
tack-status <in >out 2>log &
writer=$!
tack-events -f >events 2>events.log &
reader=$!
exec 3>in
record three >&3
until_holds test -s out
until_holds test -s events
sqlite3 -readonly tack.db "VACUUM INTO 'copy.db'"
mv copy.db tack.db
rm -f tack.db-wal tack.db-shm
record four >&3
wait "$writer"
is 'a database that was replaced is noticed' 75 $?
ok 'and said' grep -q 'another file is there' log
is 'before anything is acknowledged' 1 "$(grep -c published out)"
wait "$reader"
is 'by who follows it, too' 75 $?
exec 3>&-

as_nobody() {
	setpriv --reuid nobody --clear-groups "$@" </dev/null 2>said
}
chmod 755 .
if [ "$(id -u)" -ne 0 ] || ! as_nobody sh -c 'cd . && tack-init -h' >/dev/null
then
	skip 'whose it is' 'only root can be somebody else, who has to get here'
	done_testing
	exit
fi
mkdir theirs && chown nobody theirs
as_nobody tack-init -d theirs/t.db
for tool in tack-init tack-status tack-resolve tack-poll; do
	"$tool" -d theirs/t.db </dev/null
done
is 'what root makes beside a database is its owner'"'"'s' nobody \
    "$(stat -c %U theirs/t.db* | sort -u)"
chown root theirs/t.db
for tool in tack-status tack-resolve tack-events tack-poll tack-cancel \
    'tack ls'; do
	# shellcheck disable=SC2086 # a tool and its verb
	status "$tool: somebody else's database is 78, and not tried again" \
	    78 as_nobody $tool -d theirs/t.db
	ok "$tool: and whose it is" grep -q \
	    'owned by root, and you are nobody: chown nobody' said
done
status 'tack-init: that is 73, as its page says' 73 \
    as_nobody tack-init -d theirs/t.db
ok 'and is told in the same words' grep -q \
    'owned by root, and you are nobody: chown nobody' said
status 'tack-reconcile: it is 78' 78 as_nobody tack-reconcile -d theirs/t.db
as_nobody tack doctor -d theirs/t.db >out
ok 'doctor tells it' grep -q '^wrong.*owned by root' out
chown nobody theirs/t.db
chmod 777 theirs
as_nobody tack doctor -d theirs/t.db >out
ok 'doctor looks at the directory' grep -q '^wrong.*others may write' out
chmod 755 theirs
chown root theirs
status 'a directory that is not ours is 78' 78 \
    as_nobody tack-status -d theirs/t.db
ok 'and whose that is' grep -q 'theirs: owned by root' said
done_testing
