# SPDX-License-Identifier: ISC
"""Let every n-th call of a tool fail, and look at what it then does.

sweep.py TOP SHIM [tool ...]: in the current directory. A line of TAP a tool.
TACK_LONG=1: every allocation, and then everything again by strace(1).
"""
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import concurrent.futures, itertools, json, os, re, shutil, socket, sqlite3
import subprocess, sys, threading

top, shim = map(os.path.abspath, sys.argv[1:3])
only = sys.argv[3:]
long = os.environ.get("TACK_LONG") == "1"
bin = os.path.join(top, "bin")
ENOENT, EINTR, EIO, ENOMEM, EMFILE, ENOSPC, SHORT = 2, 4, 5, 12, 24, 28, 0
EAGAIN, ENOLCK = 11, 37
PATIENCE = 300  # seconds that a tool may take

# What a call may fail with; SHORT is some of the bytes.
errors = {
    "accept": [EMFILE, EINTR], "malloc": [ENOMEM], "dup": [EMFILE],
    "fcntl": [EIO, EINTR, ENOLCK], "flock": [EINTR, EIO, ENOLCK],
    "fsync": [EIO, ENOSPC], "ftruncate": [EIO, ENOSPC],
    "mmap": [ENOMEM], "open": [EIO, ENOMEM, EMFILE, EINTR], "pipe": [EMFILE],
    "pread": [EIO, EINTR, SHORT], "pwrite": [EIO, ENOSPC, EINTR, SHORT],
    "read": [EIO, EINTR, SHORT], "recv": [EIO, EINTR, SHORT],
    "send": [EIO, EINTR, SHORT], "spawn": [EAGAIN, ENOMEM],
    "stat": [EIO, ENOMEM], "write": [EIO, ENOSPC, EINTR, SHORT],
}
# No kernel says so for ever; SQLite and we ask again, for as long as it takes.
passing = (EINTR, ENOLCK)
# The same for strace, which knows no short calls.
kernel = {"read": [EIO, EINTR], "write": [EIO, ENOSPC, EINTR],
    "pwrite64": [EIO, ENOSPC], "pread64": [EIO], "fsync": [EIO],
    "fdatasync": [EIO, ENOSPC], "openat": [EIO, ENOMEM, EMFILE, EINTR],
    "flock": [EINTR, EIO], "mmap": [ENOMEM], "ftruncate": [EIO, ENOSPC],
    "fcntl": [EIO, EINTR], "brk": [ENOMEM], "recvfrom": [EIO, EINTR],
    "sendto": [EIO, EINTR], "pipe2": [EMFILE], "clone3": [ENOMEM]}

knot = {"knot": "k.example", "pipeline_rkey": "3lxk4q2vw7c22",
    "workflow": "ci.yml"}
uri = "at://did:web:k.example/sh.tangled.pipeline/3lxk4q2vw7c22"


def payload(state):
    name = "finished" if state == "passed" else state
    return {"event": "build." + name, "build": {"id": "u1", "number": 7,
        "state": state, "meta_data": {"tack:" + k: v for k, v in knot.items()},
        "pipeline": {"slug": "p"}}, "organization": {"slug": "o"}}


def lines(*records):
    return "".join(json.dumps(r) + "\n" for r in records).encode()


def request(state, token="correct-horse"):
    import base64
    body = base64.b64encode(json.dumps(payload(state)).encode()).decode()
    return {"request": {"method": "POST", "path": "/webhooks/buildkite",
        "query": "", "at": 1800000000,
        "headers": {"x-buildkite-token": token}, "body": body}}


# One that passes untouched, and does not fit in what a stream begins with.
settled = {"outcome": "foreign", "filler": 20000 * "x"}


def resolved(status, rkey=knot["pipeline_rkey"]):
    return {"provider": "buildkite", "event": "build." + status,
        "build": {"id": "u1", "status": status},
        "ref": dict(knot, pipeline_rkey=rkey, pipeline_uri=uri)}


def verified(state):
    return {"provider": "buildkite", "event": payload(state)["event"],
        "payload": payload(state)}


def http(state):
    body = json.dumps(payload(state)).encode()
    return (b"POST /webhooks/buildkite HTTP/1.1\r\nHost: a\r\n"
        b"X-Buildkite-Token: correct-horse\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body)


def filter(command, env, directory, stdin, fds):
    try:
        p = subprocess.run(command, input=stdin, capture_output=True, env=env,
            cwd=directory, pass_fds=fds, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return "(a deadline ran out: %d s)" % PATIENCE, b"", b""
    return p.returncode, p.stdout, p.stderr


def inetd(command, env, directory, stdin, fds):
    """As inetd does: the connection is standard input and output."""
    ours, theirs = socket.socketpair()
    p = subprocess.Popen(command, stdin=theirs, stdout=theirs,
        stderr=subprocess.PIPE, env=env, cwd=directory, pass_fds=fds)
    theirs.close()
    ours.settimeout(PATIENCE)
    try:
        ours.sendall(stdin)
        ours.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    err = p.stderr.read()
    out = b""
    try:
        while chunk := ours.recv(65536):
            out += chunk
    except OSError:
        pass
    ours.close()
    return p.wait(), re.sub(rb"Date: .*\r\n", b"", out), err


class CI(BaseHTTPRequestHandler):
    """Has one build of ours, which is running, or each that it was asked for.

    The path begins with the directory of who asks.
    """
    protocol_version = "HTTP/1.1"
    made = {}

    def do_GET(self):
        made = self.made.get(self.path.split("/")[1], 0)
        self.answer(200, [self.build()] * (
            made if "meta_data" in self.path else "state" in self.path))

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        asker = self.path.split("/")[1]
        self.made[asker] = self.made.get(asker, 0) + 1
        self.answer(201, self.build())

    def build(self):
        return dict(payload("running")["build"],
            url="https://api.buildkite.com"
            "/v2/organizations/o/pipelines/p/builds/7")

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ci = ThreadingHTTPServer(("127.0.0.1", 0), CI)
ci.daemon_threads = True
ci.handle_error = lambda *_: None   # a client that is cut off
threading.Thread(target=ci.serve_forever, daemon=True).start()

# A line a tool: how it is run, its arguments, its input, and the events that
# are in the log when it has run well.
tools = {
    "tack-verify": (filter, [], lines(request("running"), settled,
        request("passed", "forged")), 0),
    "tack-resolve": (filter, [], lines(verified("running"), settled,
        verified("passed")), 0),
    "tack-status": (filter, [], lines(resolved("running"), settled,
        resolved("success")), 2),
    "tack-webhook": (filter, [], lines(request("running"), settled,
        request("passed", "forged")), 1),
    "tack-events": (filter, [], b"", 100),
    "tack-poll": (filter, [], b"", 0),
    "tack-spawn": (filter, ["-s", "1"], b"", 0),
    "tack-http": (inetd, [], http("running"), 1),
}
# The others compile jq programs and wait for a CI, or are in tack-webhook: for
# the long form.
quick = ("tack-resolve", "tack-status", "tack-webhook", "tack-events",
    "tack-http")

environment = dict(os.environ, PATH=bin + ":/usr/bin:/bin",
    TACK_SHARE=os.path.join(top, "share"), TACK_DB_PATH="tack.db",
    TACK_BUILDKITE_WEBHOOK_MODE="token",
    TACK_BUILDKITE_API="http://127.0.0.1:%d" % ci.server_port,
    TACK_BUILDKITE_TOKEN_FILE=os.path.abspath("token"),
    TACK_BUILDKITE_WEBHOOK_SECRET_FILE=os.path.abspath("secret"))
local = threading.local()
numbers = itertools.count()


def documented(tool):
    """The statuses in EXIT STATUS of the tool's page."""
    section = [s for s in "18" if
        os.path.exists(os.path.join(top, "man", f"{tool}.{s}"))][0]
    with open(os.path.join(top, "man", f"{tool}.{section}")) as f:
        text = f.read().split(".Sh EXIT STATUS")[1].split(".Sh ")[0]
    return {int(n) for n in re.findall(r"^\.It (\d+)$", text, re.M)}


def plain(out):
    """Output without what differs from run to run."""
    return re.sub(rb'"(cursor|createdAt)":"[^"]*"|"asked_at":[0-9]*', b"", out)


def fresh(tool):
    """A directory of the thread's own, with the database as it was."""
    if hasattr(local, "directory"):
        shutil.rmtree(local.directory, ignore_errors=True)
    local.directory = "run%d" % next(numbers)
    shutil.copytree("before." + tool, local.directory)
    return local.directory


def run(tool, directory, fail=None, tell=None, strace=None):
    how, arguments, stdin, _ = tools[tool]
    command, fds = [os.path.join(bin, tool)] + arguments, ()
    env = dict(environment,
        TACK_BUILDKITE_API=environment["TACK_BUILDKITE_API"] + "/" + directory)
    if fail is not None:
        env = dict(env, FAIL=f"{tool} {fail} {tell}", LD_PRELOAD=shim)
        fds = (tell,)
    if strace is not None:
        command = ["strace", "-qq", "-o", "trace", "-e", strace] + command
    return how(command, env, directory, stdin, fds)


def look(directory):
    """Integrity, and the events by created."""
    db = sqlite3.connect(os.path.join(directory, "tack.db"))
    try:
        whole = db.execute("PRAGMA integrity_check").fetchone()[0]
        return whole, {c: e for c, e in db.execute(
            "SELECT created, event FROM event ORDER BY created")}
    finally:
        db.close()


def its_time_has_come(directory):
    db = sqlite3.connect(os.path.join(directory, "tack.db"))
    with db:
        db.execute("UPDATE build SET not_before = 0")
    db.close()


def judge(tool, directory, call, on, result):
    """What is wrong with a run, or None."""
    status, out, err = result
    how, _, _, events = tools[tool]
    if status == -6 and b"cannot allocate memory" in err:
        local.aborted = True        # by libjq, which offers nothing better
    elif status in (-6, -11) and call == "malloc" and tool not in quick:
        local.aborted = True        # by its compiler, which looks at none
        err = err or b"as libjq has it"
    elif status not in good[tool]:
        return "exit status %s is not in the page" % status
    # SQLite has no other word for a disk that it cannot read.
    if status == 70 and b"image is malformed" not in err:
        return "a fault of the machine is told as a bug: %r" % err
    if status != 0 and not err and not (call == "write" and on) and \
            b'"outcome":"deferred"' not in out:
        return "exit status %d without a message" % status
    if how is inetd:
        # Who cannot be read or written to has no answer, and asks again.
        if out and not out.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 50")):
            return "a genuine request is answered " + out[:12].decode()
        if not out and status == 0 and not err and \
                call not in ("recv", "send"):
            return "no answer, and no message"
        acknowledged = out.startswith(b"HTTP/1.1 200 ")
    else:
        if status == 0 and plain(out) != reference[tool]:
            return "exit status 0 with another output: %r" % out[:300]
        if not reference[tool].startswith(plain(out)) and \
                b'"outcome":"deferred"' not in out:
            return "wrong output: %r" % out[:300]
        acknowledged = False
    whole, log = look(directory)
    if whole != "ok":
        return "the database is not whole: " + whole
    for line in [] if how is inetd or tool == "tack-events" else \
            out.splitlines():
        try:
            cursor = json.loads(line).get("cursor")
        except ValueError:
            continue                # cut off by the fault
        if cursor is not None and int(cursor) not in log:
            return "published " + cursor + " is not in the log"
    if acknowledged and len(log) != events:
        return "acknowledged, but not in the log"
    if status == 0 and how is not inetd:
        return None if len(log) == events else "%d events" % len(log)
    # Whatever it was, once it is over the same input comes to the same end.
    if tool == "tack-spawn":
        its_time_has_come(directory)
    status, out, err = run(tool, directory)
    if tool == "tack-spawn" and CI.made.get(directory) != 1:
        return "%s builds" % CI.made.get(directory)
    if status != 0:
        return "a second run ends with %d: %r" % (status, err)
    whole, log = look(directory)
    if whole != "ok" or len(log) != events:
        return "after a second run: %s, %d events" % (whole, len(log))
    return None


def once(tool, call, error, n, on):
    """Fail call n. Returns whether there was such a call, and the fault."""
    directory = fresh(tool)
    local.aborted = False
    tell = os.memfd_create("tell")
    try:
        result = run(tool, directory, f"{call} {error} {n} {on}", tell)
        hit = os.pread(tell, 1, 0) == b"!"
    finally:
        os.close(tell)
    return hit, judge(tool, directory, call, on, result), local.aborted


def traced(tool, call, error, n, on):
    directory = fresh(tool)
    local.aborted = False
    result = run(tool, directory, strace="inject=%s:error=%s:when=%d%s" % (
        call, errno_name(error), n, "+" if on else ""))
    with open(os.path.join(directory, "trace"), errors="replace") as f:
        trace = f.read()
    return "(INJECTED)" in trace, (None if result[0] == 127 and
        b"loading shared libraries" in result[2] else
        judge(tool, directory, call, on, result)), local.aborted


def errno_name(error):
    import errno
    return errno.errorcode[error]


def counts(tool):
    tell = os.memfd_create("tell")
    directory = fresh(tool)
    status, out, err = run(tool, directory, "none 0 0 0", tell)
    text = os.pread(tell, 4096, 0).decode()
    os.close(tell)
    if status != 0 or not text:
        sys.exit("%s does not run: %d %r" % (tool, status, err))
    return plain(out), {k: int(v) for k, v in
        (line.split() for line in text.splitlines())}


def sweep(tool, pool):
    reference[tool], often = counts(tool)
    jobs = []
    for call, number in often.items():
        for error in errors[call]:
            for on in (0, 1):
                if on and (error in passing or call == "fcntl" and not long):
                    continue        # the latter has SQLite wait ten seconds
                # All calls but for allocations, which are many.
                step = 1 if call != "malloc" or long and tool in quick else \
                    1 + number // (300 if long else 30)
                jobs += [(once, tool, call, error, n, on)
                    for n in range(1, number + 1, step)]
    faults, runs, aborts = [], 0, 0
    for job, (hit, fault, aborted) in zip(jobs,
            pool.map(lambda j: j[0](*j[1:]), jobs)):
        runs += hit
        aborts += aborted
        if fault is not None:
            faults.append("%s %d%s gives %s: %s" % (job[2], job[4],
                "+" if job[5] else "", job[3], fault))
    return faults, runs, aborts, sum(often.values())


def by_strace(tool, pool):
    faults, runs, aborts = [], 0, 0
    def each(job):
        call, error, on = job
        found, n, hits, gone = [], 0, 0, 0
        while True:
            n += 1
            hit, fault, aborted = traced(tool, call, error, n, on)
            if not hit:
                return found, hits, gone
            hits += 1
            gone += aborted
            if fault is not None:
                found.append("strace: %s %d%s gives %s: %s" % (call, n,
                    "+" if on else "", errno_name(error), fault))
    for found, hits, gone in pool.map(each, [(c, e, on) for c in kernel
            for e in kernel[c] for on in ((0, 1) if e not in passing else (0,))]):
        faults += found
        runs += hits
        aborts += gone
    return faults, runs, aborts


for name in "secret", "token":
    with open(name, "w") as f:
        f.write("correct-horse" if name == "secret" else
            "a token of some length")
    os.chmod(name, 0o600)
reference, good, n, bad = {}, {}, 0, 0
for tool in tools:
    before = "before." + tool
    os.mkdir(before)
    subprocess.run([os.path.join(bin, "tack-init")], cwd=before,
        env=environment, check=True)
    if tool == "tack-events":
        subprocess.run([os.path.join(bin, "tack-status")], cwd=before,
            env=environment, input=lines(*(resolved("running", str(i))
                for i in range(100))),
            stdout=subprocess.DEVNULL, check=True)
    if tool == "tack-spawn":
        db = sqlite3.connect(os.path.join(before, "tack.db"))
        with db:
            db.execute("INSERT INTO build (provider, knot, pipeline_rkey,"
                " workflow, org, pipeline, task) VALUES ('buildkite',"
                " 'k.example', '3lxk4q2vw7c22', 'ci.yml', 'o', 'p', ?)",
                [json.dumps({"kind": "push", "sha": 40 * "6",
                    "branch": "main", "repo": {"url": "https://k.example/r"},
                    "options": {"org": "o", "pipeline": "p"}, "env": {}})])
        db.close()
    if tool == "tack-poll":
        db = sqlite3.connect(os.path.join(before, "tack.db"))
        with db:
            db.execute("INSERT INTO build (provider, build_id, knot,"
                " pipeline_rkey, workflow, number, org, pipeline, web_url)"
                " VALUES ('buildkite', 'u1', 'k.example', '3lxk4q2vw7c22',"
                " 'ci.yml', '7', 'o', 'p', 'https://x')")
        db.close()
    good[tool] = documented(tool)


def result(fact, faults):
    global n, bad
    n += 1
    bad += bool(faults)
    print("%sok %d - %s" % ("not " if faults else "", n, fact))
    for fault in faults[:10]:
        print("# " + fault)
    sys.stdout.flush()


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for tool in only or (tools if long else quick):
        faults, runs, aborts, calls = sweep(tool, pool)
        print("# P19: %s: %d faults in its %d calls, %d wrong; libjq aborted"
            " %d times" % (tool, runs, calls, len(faults), aborts))
        result("P19 %s survives each failing call" % tool, faults)
        if long:
            faults, runs, aborts = by_strace(tool, pool)
            print("# P19: %s: %d faults by strace, %d wrong" % (tool, runs,
                len(faults)))
            result("P19 %s survives what the kernel refuses" % tool, faults)
print("1..%d" % n)
sys.exit(bad > 0)
