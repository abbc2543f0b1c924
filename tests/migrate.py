# SPDX-License-Identifier: ISC
"""Kill tack-init at random moments while writers of the old version write.

migrate.py NEWEST ROUNDS DUMP...: in the current directory.
"""
import fcntl, os, random, signal, sqlite3, subprocess, sys, threading, time

newest, rounds, dumps = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
seed = int(os.environ.get("TACK_SEED", time.time_ns() % 1000000))
random.seed(seed)
environment = dict(os.environ, TACK_DB_PATH="kill.db")
wrong, cut, whole, acknowledged_in_all, migrations = [], 0, 0, 0, 0


def restore(dump):
    for suffix in ("", "-wal", "-shm", "-lock", "-bell"):
        if os.path.exists("kill.db" + suffix):
            os.unlink("kill.db" + suffix)
    db = sqlite3.connect("kill.db", isolation_level=None)
    with open(dump) as f:
        db.executescript(f.read())
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version < newest:
        # Enough rows that a migration takes its time.
        db.execute("BEGIN")
        for i in range(2000):
            db.execute("INSERT INTO build (provider, build_id, knot,"
                " pipeline_rkey, workflow) VALUES ('p', ?, 'k', ?, 'w')",
                (str(i), str(i)))
        db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    open("kill.db-lock", "a").close()
    return version


def writer(version, name, stop, acknowledged):
    """As a tool of that version: refuses a database that is newer."""
    lock = os.open("kill.db-lock", os.O_RDWR)
    db = sqlite3.connect("kill.db", isolation_level=None, timeout=300)
    n = 0
    while not stop.is_set():
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] != version:
                return
            n += 1
            rkey = "%s-%d" % (name, n)
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO event (rkey, nsid, event) VALUES"
                " (?, 'x', '{}')", (rkey,))
            db.execute("INSERT INTO build (provider, build_id, knot,"
                " pipeline_rkey, workflow) VALUES ('q', ?, 'k', ?, 'w')",
                (rkey, rkey))
            db.execute("COMMIT")
            acknowledged.append(rkey)
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)
        time.sleep(0.0005)
    db.close()
    os.close(lock)


def look(version, acknowledged, when):
    db = sqlite3.connect("kill.db")
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        wrong.append(when + ": not whole")
    for table, column in (("event", "rkey"), ("build", "build_id")):
        there = {r[0] for r in db.execute("SELECT %s FROM %s" %
            (column, table))}
        if not there.issuperset(acknowledged):
            wrong.append("%s: %d acknowledged are not in %s" % (when,
                len(set(acknowledged) - there), table))
    db.close()
    return found


def attempt(dump, after):
    """One migration, killed after so many seconds unless None."""
    version = restore(dump)
    stop, acknowledged = threading.Event(), []
    writers = [threading.Thread(target=writer, args=(version, str(i), stop,
        acknowledged)) for i in range(3)]
    for t in writers:
        t.start()
    start = time.monotonic()
    init = subprocess.Popen(["tack-init"], env=environment,
        start_new_session=True, stderr=subprocess.PIPE)
    if after is not None:
        time.sleep(after)
        try:
            os.killpg(init.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    said = init.stderr.read()
    status = init.wait()
    took = time.monotonic() - start
    stop.set()
    for t in writers:
        t.join()
    when = "killed after %.1f ms" % (1000 * (after or 0))
    found = look(version, acknowledged, when)
    # Between two versions stands no other than they.
    if not version <= found <= newest:
        wrong.append("%s: version %d" % (when, found))
    if status == 0 and found != newest:
        wrong.append("exit status 0 at version %d" % found)
    if status > 0:
        wrong.append("%s: status %d: %r" % (when, status, said))
    again = subprocess.run(["tack-init"], env=environment,
        capture_output=True)
    if again.returncode != 0 or \
            look(version, acknowledged, when + ", again") != newest:
        wrong.append("%s: the next ends with %d: %r" % (when,
            again.returncode, again.stderr))
    return took, status == -signal.SIGKILL, found == newest, len(acknowledged)


older = [d for d in dumps
    if int(os.path.basename(d).split(".")[0]) < newest]
for dump in older:
    longest = max(attempt(dump, None)[0] for _ in range(3))
    tries = 0
    while tries < rounds or (cut == 0 and tries < 10 * rounds):
        tries += 1
        _, killed, done, acknowledged = attempt(dump,
            random.uniform(0, longest))
        cut += killed
        whole += done
        acknowledged_in_all += acknowledged
    migrations += tries
print("P30: %d migrations, %d killed, %d done when looked at, %d commits of"
    " old writers, %d wrong; seed %d" % (migrations, cut, whole,
    acknowledged_in_all, len(wrong), seed))
for line in wrong[:10]:
    print(line)
sys.exit(bool(wrong) or cut == 0)
