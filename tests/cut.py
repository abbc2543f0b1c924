# SPDX-License-Identifier: ISC
"""Cut the power at random points of a recorded trace (tests/cut.c).

cut.py database-before trace cuts seed [lie | init]

At each point the disk holds what was synced, and of the rest any subset of
sectors of 512 bytes and the first few changes of names. With lie, syncs are
not believed. What was told to the outside by then must be found. With init,
the trace is of tack-init and there is nothing before: it must be able to make
the database after the cut, and have made it once that was told.
"""
import bisect, json, os, random, shutil, sqlite3, struct, subprocess, sys
import tempfile

SECTOR = 512
RECORD = struct.Struct("=IIiIq")

class Inode:
    def __init__(self, data=b"", number=None):
        self.durable, self.pending, self.number = bytearray(data), [], number
        self.synced = 0  # how many ops ever have reached durable

def apply(data, op):
    kind, offset, text = op
    if kind == "t":
        if len(data) > offset:
            del data[offset:]
        else:
            data.extend(bytes(offset - len(data)))
        return
    if len(data) < offset + len(text):
        data.extend(bytes(offset + len(text) - len(data)))
    data[offset:offset + len(text)] = text

def sectors(op):
    kind, offset, text = op
    if kind == "t":
        yield op
        return
    while text:
        n = SECTOR - offset % SECTOR
        yield (kind, offset, text[:n])
        offset, text = offset + n, text[n:]

class Disk:
    """Inodes, and names of which the last few may not be on disk yet."""
    def __init__(self, names):
        self.names = dict(names)  # as programs see them
        self.durable = dict(names)
        self.pending = []
        self.fds, self.marks = {}, {}

    def step(self, r, lie):
        op, pid, fd, offset, text = r
        at = (pid, fd)
        if op == "o":
            name = text.decode()
            inode = self.names.get(name)
            if inode is None:
                inode = self.names[name] = Inode(number=offset)
                self.pending.append((name, inode))
            if inode.number is None:
                inode.number = offset
            if inode.number != offset:
                sys.exit("the trace is not in order: " + name)
            self.fds[at] = inode
        elif op == "d":
            self.fds[at] = self
        elif op in "wt":
            self.fds[at].pending.append((op, offset, text))
        elif op == "b":
            f = self.fds[at]
            done = 0 if f is self else f.synced
            self.marks[at] = done + len(f.pending)
        elif op == "e" and not lie:
            f, mark = self.fds[at], self.marks.pop(at)
            if f is self:
                for name, inode in self.pending:
                    self.bind(self.durable, name, inode)
                self.pending = []
                return
            for change in f.pending[:mark - f.synced]:
                apply(f.durable, change)
            del f.pending[:mark - f.synced]
            f.synced = max(f.synced, mark)
        elif op == "u":
            self.names.pop(text.decode(), None)
            self.pending.append((text.decode(), None))
        elif op == "?":
            sys.exit("the trace has what is not simulated: " + text.decode())

    @staticmethod
    def bind(names, name, inode):
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode

    def cut(self, rng):
        """What the disk may hold if the power goes now."""
        names = dict(self.durable)
        for name, inode in self.pending[:rng.randint(0, len(self.pending))]:
            self.bind(names, name, inode)
        how, p = rng.randrange(5), rng.random()
        files = {}
        for name, inode in names.items():
            data, ops = bytearray(inode.durable), inode.pending
            if how == 1:
                ops = ops[:rng.randint(0, len(ops))]
            elif how == 2:
                ops = [op for op in ops if rng.random() < p]
            elif how == 3:
                ops = [s for op in ops for s in sectors(op)
                    if rng.random() < p]
            elif how == 4 and ops:
                ops = list(ops)
                torn = list(sectors(ops.pop()))
                rng.shuffle(torn)
                ops += torn[:rng.randint(0, len(torn))]
            if how != 0:
                for op in ops:
                    apply(data, op)
            files[name] = data
        return files

def records(path):
    with open(path, "rb") as f:
        while head := f.read(RECORD.size):
            op, pid, fd, n, offset = RECORD.unpack(head)
            yield chr(op), pid, fd, offset, f.read(n)

def view(event):
    """What an event says of which workflow."""
    record = json.loads(event[3])
    return (record["pipeline"].rsplit("/", 1)[1], record["workflow"]), \
        record["status"]

class Truth:
    """What the log held in the end, of which each cut must hold a part."""
    def __init__(self, path):
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
            self.events = db.execute("SELECT created, rkey, nsid, event"
                " FROM event ORDER BY created").fetchall()
        self.created = [row[0] for row in self.events]
        self.count = {}
        for i, (key, status) in enumerate(map(view, self.events), 1):
            self.count.setdefault((*key, status), i)

    def told(self, text):
        """How many events must be there once this was told."""
        most = 0
        for line in text.splitlines():
            record = json.loads(line)
            if "created" in record:  # by tack-events
                most = max(most, bisect.bisect(self.created,
                    record["created"]))
            elif record.get("outcome") == "published":
                most = max(most, bisect.bisect(self.created,
                    int(record["cursor"])))
            elif record.get("outcome") == "duplicate":
                ref = record["ref"]
                most = max(most, self.count[ref["pipeline_rkey"],
                    ref["workflow"], record["build"]["status"]])
        return most

def examine(path, truth, told):
    """What is wrong with the database after the cut, or None."""
    try:
        db = sqlite3.connect(path)
        check = db.execute("PRAGMA integrity_check").fetchone()[0]
        events = db.execute("SELECT created, rkey, nsid, event FROM event"
            " ORDER BY created").fetchall()
        status = {(rkey, workflow): state for rkey, workflow, state in
            db.execute("SELECT pipeline_rkey, workflow, status FROM status")}
        builds = {row[0] for row in db.execute(
            "SELECT pipeline_rkey FROM build")}
        db.close()
    except sqlite3.Error as e:
        return "corrupt: %s" % e
    n = len(events)
    if check != "ok":
        return "corrupt: " + check.split("\n")[0]
    if n < told:
        return "lost: %d of %d events" % (told - n, told)
    if events[:told] != truth.events[:told]:
        return "lost: other events than those told"
    if status != dict(map(view, events)):
        return "torn: the log and the statuses differ"
    if not builds >= {key[0] for key, _ in map(view, events[:told])}:
        return "lost: a mapping"

class Made:
    """In place of the truth when tack-init was recorded."""
    def told(self, text):
        return int(text)  # the version it made

def version(path):
    db = sqlite3.connect("file:%s?mode=rw" % path, uri=True)
    found = db.execute("PRAGMA user_version").fetchone()[0]
    check = db.execute("PRAGMA integrity_check").fetchone()[0]
    db.close()
    return found if check == "ok" else check

def examine_made(path, truth, told):
    try:
        if told and version(path) != told:
            return "lost: a database that was made"
        made = subprocess.run(["tack-init", "-d", path], text=True,
            capture_output=True)
        if made.returncode != 0:
            return "corrupt: " + made.stderr.strip()
        if version(path) < 1:
            return "torn: a database of no version"
    except sqlite3.Error as e:
        return "corrupt: %s" % e

def main(before, path, cuts, seed, lie=None):
    rng = random.Random(int(seed))
    trace, cuts, check = list(records(path)), int(cuts), examine
    if lie == "init":
        lie, truth, disk, check = None, Made(), Disk({}), examine_made
    else:
        truth = Truth(before + ".end")
        disk = Disk({"": Inode(open(before, "rb").read())})
    each = 4 if cuts >= 4 else 1
    # half of the points at random, half where something was just told
    told_at = [i + 1 for i, r in enumerate(trace) if r[0] == "a"]
    points = {}
    for i in range(cuts // each):
        at = rng.choice(told_at) if i % 2 else rng.randint(1, len(trace))
        points[at] = points.get(at, 0) + each
    work = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm")
        else None)
    told, done, wrong = 0, 0, {}
    for i, record in enumerate(trace, 1):
        if record[0] == "a":
            told = max(told, truth.told(record[4]))
        else:
            disk.step(record, lie)
        for _ in range(points.get(i, 0)):
            for suffix in "", "-wal", "-shm", "-journal":
                if os.path.exists(work + "/cut" + suffix):
                    os.unlink(work + "/cut" + suffix)
            for name, data in disk.cut(rng).items():
                with open(work + "/cut" + name, "wb") as f:
                    f.write(data)
            why = check(work + "/cut", truth, told)
            done += 1
            if why:
                kind = why.split(":")[0]
                if kind not in wrong and not lie:
                    print("# cut at record %d of %d: %s" % (i, len(trace),
                        why))
                wrong[kind] = wrong.get(kind, 0) + 1
    shutil.rmtree(work)
    count = lambda op: sum(r[0] == op for r in trace)
    print("# %d cuts of a trace of %d writes, %d syncs, %d unlinks;"
        " %d tellings of %d events, %d deaths: %s" % (done, count("w"),
        count("e"), count("u"), count("a"), told, count("k"), wrong or "nothing wrong"))
    with open("cut.figures", "w") as f:
        f.write("done=%d lost=%d corrupt=%d torn=%d told=%d\n" % (done,
            wrong.get("lost", 0), wrong.get("corrupt", 0),
            wrong.get("torn", 0), told))

main(*sys.argv[1:])
