# SPDX-License-Identifier: ISC
"""What the proofs share: a server, webhooks to it, and a subscriber."""
import atexit, json, os, signal, socket, subprocess, sys, time
import ws

SECRET = "s3cret"
os.environ.update(TACK_BUILDKITE_WEBHOOK_SECRET=SECRET,
    TACK_BUILDKITE_WEBHOOK_MODE="token")
PATIENCE = 300  # seconds that an answer may take, or that nothing may move
STATES = ("scheduled", "running", "passed")
STATUS = {"scheduled": "pending", "running": "running", "passed": "success",
    "failed": "failed", "canceled": "cancelled"}

def long_form():
    return bool(os.environ.get("TACK_LONG"))

def note(text):
    print("# " + text, flush=True)

def late(what, seconds):
    return "a deadline ran out: not within %.0f s: %s" % (seconds, what)

def until(what, true):
    """Try until it is true; the proof ends where it does not get so."""
    begin = time.monotonic()
    for _ in range(2000):
        if true():
            return
        time.sleep(.02)
    sys.exit(late(what, time.monotonic() - begin))

class Still:
    """Tells when what should move has not done so for long."""
    def __init__(self):
        self.figure, self.since = None, time.monotonic()

    def __call__(self, *figure):
        if figure != self.figure:
            self.figure, self.since = figure, time.monotonic()
        return time.monotonic() - self.since > PATIENCE

def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))]

def webhook(build, state, start=None, end=None, pipeline="p"):
    """The body of a Buildkite webhook; times are unix seconds."""
    at = lambda s: time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(s))
    number = int("".join(c for c in build if c.isdigit()) or 0)
    return json.dumps({"event": "build." + state, "build": {"id": build,
        "number": number, "state": state, "blocked": False,
        "started_at": at(start) if start is not None else None,
        "finished_at": at(end) if end is not None else None,
        "web_url": "https://buildkite.com/o/%s/builds/%d" % (pipeline, number),
        "meta_data": {"tack:knot": "knot.example", "tack:pipeline_rkey":
        "r" + build, "tack:workflow": "ci.yml"}},
        "pipeline": {"slug": pipeline}, "organization": {"slug": "o"}})

def request(body, secret=SECRET):
    body = body.encode()
    return (b"POST /webhooks/buildkite HTTP/1.1\r\nHost: a\r\n"
        b"X-Buildkite-Token: " + secret.encode() + b"\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)) + body

def post(port, body, timeout=PATIENCE):
    """The status of the answer, None if there was none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as s:
            s.settimeout(timeout)
            s.sendall(request(body))
            reply = b""
            while b"\r\n" not in reply:
                more = s.recv(4096)
                if not more:
                    return None
                reply += more
            return int(reply.split()[1])
    except OSError:
        return None

def children(pid):
    """All descendants of a process."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            mine = [int(word) for word in f.read().split()]
    except OSError:
        return []
    return mine + [pid for child in mine for pid in children(child)]

def name(pid):
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read().strip()
    except OSError:
        return ""

def kill(pid, sig=signal.SIGKILL):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass

class Server:
    """tack-http on a socket that outlives it, as under systemd(1)."""
    def __init__(self, *args, before=(), log="server.log", env=None):
        self.args, self.env, self.process = [*before, "tack-http", *args], \
            env, None
        self.log = open(log, "ab")
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(1024)
        self.port = self.listener.getsockname()[1]
        self.start()
        atexit.register(self.stop, signal.SIGKILL)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))

    def start(self):
        self.process = subprocess.Popen(self.args, stdin=self.listener,
            stdout=subprocess.DEVNULL, stderr=self.log, env=self.env)

    def pid(self):
        """Of tack-http itself, which may have something before it."""
        for pid in [self.process.pid] + children(self.process.pid):
            if name(pid) == "tack-http":
                return pid
        return self.process.pid

    def wait(self, body="{}"):
        """Until it answers at all."""
        until("the server answers",
            lambda: post(self.port, body) is not None)

    def stop(self, sig=signal.SIGTERM):
        if self.process.returncode is not None:
            return self.process.returncode
        for pid in [self.process.pid] + children(self.process.pid):
            if name(pid) == "tack-http" or pid == self.process.pid:
                kill(pid, sig)
        return self.process.wait()

class Subscriber(ws.Client):
    """A WebSocket to /events; feed() returns the texts of whole frames."""
    def __init__(self, port, cursor=None, timeout=PATIENCE, receive=None):
        path = "/events" + ("" if cursor is None else "?cursor=%d" % cursor)
        super().__init__(port, ws.handshake(path), timeout, receive)
        if not self.open:
            raise EOFError
        self.closed = False

    def frames(self):
        """Take whole frames out of the buffer; answer Pings."""
        texts = []
        while (got := self.take()) is not None:
            first, data = got
            if first == 0x81:
                texts.append(data)
            elif first == 0x89:
                self.send(ws.PONG)
            elif first == 0x88:
                self.closed = True
        return texts

    def feed(self):
        if not self.more():
            self.closed = True
        return self.frames()
