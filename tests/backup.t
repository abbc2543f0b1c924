#!/bin/sh
# SPDX-License-Identifier: ISC
# A backup taken under load holds what was acknowledged, and restores: P31.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
rounds=3
[ -z "${TACK_LONG:-}" ] || rounds=50

tack-init
cat >backup.py <<'EOF'
"""Backups while 32 writers write: backup.py rounds"""
import shutil, sqlite3, sys, threading, time
from peer import *

rounds, over = int(sys.argv[1]), threading.Event()
told = [[] for _ in range(32)]  # cursors, each when it was told
ways = {  # as tack-init(8) has them
    "VACUUM INTO": "sqlite3 -readonly -cmd '.timeout 10000' tack.db"
    " \"VACUUM INTO 'copy.db'\"",
    ".backup": "flock tack.db-lock sqlite3 -cmd '.timeout 10000' tack.db"
    " '.backup copy.db'"}

def line(rkey, status):
    return json.dumps({"event": "e", "build": {"status": status}, "ref":
        {"knot": "k", "pipeline_rkey": rkey, "workflow": "w", "pipeline_uri":
        "at://did:web:k/sh.tangled.pipeline/" + rkey}}) + "\n"

def writer(i):
    p = subprocess.Popen(["tack-status"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, bufsize=1)
    j = 0
    while not over.is_set():
        p.stdin.write(line("%d-%d" % (i, j), "pending"))
        record = json.loads(p.stdout.readline() or "{}")
        if record.get("outcome") != "published":
            failed.append(record)
            break
        told[i].append(int(record["cursor"]))
        j += 1
    p.stdin.close()
    p.wait()

def sh(command):
    return subprocess.run(["sh", "-c", command], text=True, check=True,
        stdout=subprocess.PIPE).stdout

def events(path):
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        whole = db.execute("PRAGMA integrity_check").fetchone()[0]
        rows = db.execute("SELECT created, rkey, nsid, event FROM event"
            " ORDER BY created").fetchall()
        status = db.execute("SELECT count(*) FROM status").fetchone()[0]
    db.close()
    return whole == "ok" and status == len(rows), rows

failed, copies, spans = [], [], {}
threads = [threading.Thread(target=writer, args=(i,), daemon=True)
    for i in range(32)]
[t.start() for t in threads]
broken = lost = 0
until("500 commits", lambda: failed or sum(map(len, told)) >= 500)
for i in range(rounds):
    for way, command in ways.items():
        before = {c for mine in told for c in mine}
        start = time.monotonic()
        sh("umask 077; " + command)
        spans.setdefault(way, []).append(time.monotonic() - start)
        if long_form() and i:
            whole, rows = events("copy.db")
            broken += not whole
            lost += len(before - {row[0] for row in rows})
            os.unlink("copy.db")
            continue
        os.rename("copy.db", "copy%d.db" % len(copies))
        copies.append(before)
        more = sum(map(len, told)) + 10
        until("writers go on", lambda: failed or sum(map(len, told)) >= more)
over.set()
[t.join() for t in threads]
log = events("tack.db")[1]
last = log[-1][0]

# Restored: the same tools, a cursor of before, one of after the backup.
wrong = []
for i, before in enumerate(copies):
    whole, rows = events("copy%d.db" % i)
    broken += not whole or rows != log[:len(rows)]
    lost += len(before - {row[0] for row in rows})
    os.mkdir("r%d" % i)
    os.rename("copy%d.db" % i, "r%d/tack.db" % i)
    cursor = rows[len(rows) // 2][0]
    sh("tack-init -d r%d/tack.db" % i)
    rest = sh("tack-events -d r%d/tack.db -c %d" % (i, cursor))
    if rest.count("\n") != len([r for r in rows if r[0] > cursor]):
        wrong.append("a cursor of before the backup misses events")
    subprocess.run(["tack-status", "-d", "r%d/tack.db" % i], text=True,
        input=line("0-0", "running"), stdout=subprocess.DEVNULL, check=True)
    news = sh("tack-events -d r%d/tack.db -c %d" % (i, last))
    if news.count("\n") != 1 or '"running"' not in news:
        wrong.append("a cursor of after the backup misses what is new")
note("P31: %d backups under %d acknowledged commits of 32 writers, %d lost,"
    " %d not whole; %s" % (2 * rounds, len(log), lost, broken, ", ".join(
    "%s %.0f ms" % (way, 1e3 * max(s)) for way, s in spans.items())))
for what in wrong:
    note(what)
with open("figures", "w") as f:
    f.write("lost=%d broken=%d wrong=%d failed=%d events=%d\n" % (lost, broken,
        len(wrong), len(failed), len(log)))
EOF
lost=-1 broken=-1 wrong=-1 failed=-1 events=0
figures backup.py "$rounds"
is 'P31 a backup has all that was acknowledged before it' 0 "$lost"
is 'P31 it is whole, and a beginning of the log' 0 "$broken"
is 'P31 restored, every cursor is still good' 0 "$wrong"
is 'P31 no writer is turned away meanwhile' 0 "$failed"
ok 'P31 and there was a load' [ "$events" -gt 550 ]

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	rm -f copy.db
	strace -f -qq -y -o trace sqlite3 -readonly tack.db \
	    "VACUUM INTO 'copy.db'"
	is 'P31 the copy without the lock writes nothing to the database' 0 \
	    "$(grep -cE '^[0-9]+ +(pwrite64|ftruncate|unlink)\(.*tack\.db(-wal)?[">]' trace)"
fi
done_testing
