# SPDX-License-Identifier: ISC
"""The play of Buildkite: its builds, its webhooks and its answers. Where a
comment begins with a number it is the section of Buildkite's behaviour that
the code holds to: 1 what bites, 2 webhooks, 3 states, 4.1 create, 4.2 get,
4.3 lists, 4.5 cancel, rebuild and retry, 4.6 jobs, 4.7 logs, 4.9 errors,
4.10 rate limits.
"""
import copy, fnmatch, hashlib, hmac, json, os, random, re
import threading, time, urllib.error, urllib.request, uuid
from datetime import datetime, timedelta, timezone

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "..", "data", "buildkite")
API = "https://api.buildkite.com"
ALL = ["write_builds", "read_builds", "read_build_logs"]
CONFIG = {
    # A token's user, scopes, and the organizations that user sees.
    "tokens": {"bkua_test": {"user": "bridge", "scopes": ALL, "orgs": None}},
    "orgs": {"acme-forge": ["tangled-ci"]},
    "branches_disabled": [],    # pipelines that are triggered by nothing
    "no_rebuilds": [],
    "limits": {"org": 200, "user": 50, "window": 60},
    "deep": 10000,              # rows; lists beyond are refused
    "jobs": ["make test"],      # commands of a new build
    "script": [],               # [seconds, state]... of each new build
    "cancel": "canceling",      # where a running build goes first
    "webhook": None,            # {"url", "secret", "mode"?: "signature"}
    "lose": [],                 # events, or a probability
    "repeat": 1, "delay": 0, "hold": False,
    "latency": 0, "linger": 0,  # seconds before and after it is done
    "skew": 0,                  # seconds that its clock is ahead
}
OPEN = ("creating", "scheduled", "running", "failing", "canceling")
ENDED = ("passed", "failed", "canceled", "skipped", "not_run")


def fixture(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as f:
        return json.load(f)


BUILD = fixture("rest-build-created.json")
HOOK = fixture("webhook-build-scheduled.json")


skew = timedelta()


def now():
    return (datetime.now(timezone.utc) + skew) \
        .isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Refusal(Exception):
    """An answer other than 2xx."""

    def __init__(self, status, message, **more):
        super().__init__(message)
        self.status, self.body = status, {"message": message, **more}


class Play:
    def __init__(self, config):
        self.lock = threading.RLock()
        self.config = copy.deepcopy(CONFIG)
        self.builds, self.logs, self.numbers = [], {}, {}
        self.hooks, self.held, self.pending = [], [], 0
        self.faults, self.windows, self.requests = [], {}, []
        self.counts = {"requests": {}, "builds": {}, "tokens": {}, "hooks": 0}
        self.idle = threading.Condition(self.lock)
        self.random = random.Random(1)
        self.configure(config)

    def configure(self, change):
        with self.lock:
            self.faults += change.pop("faults", [])
            unknown = set(change) - set(CONFIG)
            if unknown:
                raise Refusal(400, f"no such knob: {unknown}")
            self.config.update(change)
            global skew
            skew = timedelta(seconds=self.config["skew"])

    # two windows, both counted, each with its own family of headers.
    def limit(self, org, user):
        limits, at = self.config["limits"], time.monotonic()
        headers, over = {}, None
        for key, scope, prefix, most in (
                ("org " + org, "rest", "RateLimit-", limits["org"]),
                ("user " + user, "rest_user", "RateLimit-User-",
                 limits["user"])):
            start, used = self.windows.get(key, (at, 0))
            if at - start >= limits["window"]:
                start, used = at, 0
            self.windows[key] = (start, used + 1)
            reset = max(1, round(start + limits["window"] - at))
            headers.update({prefix + "Scope": scope,
                            prefix + "Remaining": max(0, most - used - 1),
                            prefix + "Limit": most, prefix + "Reset": reset})
            if used >= most:
                headers[prefix + "Warning"] = \
                    "You have exceeded your API rate limit."
                over = Refusal(
                    429, "You have exceeded your API rate limit. Please wait "
                    f"{reset} seconds before making more requests.",
                    scope=scope, limit=most, current=used + 1, reset=reset)
        return headers, over

    def fault(self, kind):
        with self.lock:
            for f in self.faults:
                if f["kind"] in (kind, "any"):
                    f["times"] = f.get("times", 1) - 1
                    if f["times"] <= 0:
                        self.faults.remove(f)
                    return f["do"]
        return None

    # Builds.

    def job(self, build, command):
        job = copy.deepcopy(BUILD["jobs"][0])
        job.update(id=str(uuid.uuid4()), command=command, name=command,
                   build_url=build["url"], created_at=now())
        job["log_url"] = f"{build['url']}/jobs/{job['id']}/log"
        job["raw_log_url"] = job["log_url"] + ".txt"
        job["web_url"] = f"{build['web_url']}#{job['id']}"
        return job

    def add(self, org, pipeline, **members):
        n = self.numbers[org, pipeline] = \
            self.numbers.get((org, pipeline), 0) + 1
        build = copy.deepcopy(BUILD)
        build.update(
            id=str(uuid.uuid4()), number=n, created_at=now(),
            scheduled_at=now(), meta_data={}, env={}, author=None,
            url=f"{API}/v2/organizations/{org}/pipelines/{pipeline}/builds/{n}",
            web_url=f"https://buildkite.com/{org}/{pipeline}/builds/{n}")
        build["pipeline"].update(
            slug=pipeline,
            url=f"{API}/v2/organizations/{org}/pipelines/{pipeline}")
        build.update(members)
        build["jobs"] = [self.job(build, c) for c in self.config["jobs"]]
        self.builds.append(build)
        for after, state in self.config["script"]:
            threading.Timer(after, self.move, (build, {"state": state})).start()
        return build

    def find(self, org, pipeline, number):
        for b in self.builds:
            if b["url"].endswith(
                    f"/organizations/{org}/pipelines/{pipeline}/builds/{number}"):
                return b
        raise Refusal(404, "No build found")

    def named(self, name):
        for b in self.builds:
            if name in (b["id"], str(b["number"])):
                return b
        raise Refusal(404, "No build found")

    def move(self, build, change):
        event = self.change(build, change)
        if event:
            self.tell(event, build)

    def change(self, build, change):
        """A new state, with what follows from it; the event, if it is one."""
        with self.lock:
            change = dict(change)
            state, jobs = change.pop("state"), change.pop("jobs", None)
            event = None
            if state == "blocked":              # 3: a flag, not a state
                state, change["blocked"] = "passed", True
            elif state != "canceling":
                change.setdefault("blocked", False)
            if state == "running":
                event = "build.running"
                # 1: on re-opening, started_at moves forward.
                change.setdefault("started_at", now())
                change.setdefault("finished_at", None)
            elif state == "failing":
                event = "build.failing"
                change.setdefault("failing_at", now())
            elif state in ENDED:
                event = "build.skipped" if state == "skipped" \
                    else "build.finished"
                change.setdefault("finished_at", now())
            elif state == "scheduled":
                event = "build.scheduled"
            build.update(change, state=state)
            for job in build["jobs"]:
                if not job["retried"]:
                    self.change_job(job, jobs or state)
        return event

    @staticmethod
    def change_job(job, state):
        if state == "running":
            job.update(state=state, started_at=job["started_at"] or now())
        elif state in ("passed", "failed", "timed_out", "expired", "canceled") \
                and job["finished_at"] is None:
            job.update(state=state, finished_at=now(), exit_status={
                "passed": 0, "failed": 1}.get(state, -1))

    # Webhooks.

    def body(self, event, build):
        # no jobs, no env, times in the other spelling, no organization.
        hook = copy.deepcopy(HOOK)
        hook["event"] = event
        hook["pipeline"].update(slug=build["pipeline"]["slug"],
                                url=build["pipeline"]["url"])
        hook["build"] = {
            k: re.sub(r"^(\S+)T(\S+)\.\d+Z$", r"\1 \2 UTC", v)
            if k.endswith("_at") and v else v
            for k, v in build.items() if k not in ("jobs", "env", "pipeline")}
        # compact, no newline at the end.
        return json.dumps(hook, separators=(",", ":"),
                          ensure_ascii=False).encode()

    def sign(self, event, body):
        hook = self.config["webhook"]
        headers = {"Content-Type": "application/json",
                   "X-Buildkite-Event": event,
                   "X-Buildkite-Request": str(uuid.uuid4()),
                   "User-Agent": "Buildkite-Request"}
        if hook and hook.get("mode") == "token":
            headers["X-Buildkite-Token"] = hook["secret"]
        elif hook:                              # 2.4
            at = str(int(time.time()))
            headers["X-Buildkite-Signature"] = "timestamp=%s,signature=%s" % (
                at, hmac.new(hook["secret"].encode(), at.encode() + b"." + body,
                             hashlib.sha256).hexdigest())
        return headers

    def tell(self, event, build):
        """A webhook; returns when it was delivered, unless it is delayed."""
        with self.lock:
            c = self.config
            hook = {"event": event, "number": build["number"], "answers": [],
                    "body": self.body(event, build).decode()}
            self.hooks.append(hook)
            lost = event in c["lose"] if isinstance(c["lose"], list) \
                else self.random.random() < c["lose"]
            hook["lost"] = lost
            if lost:
                return
            if c["hold"]:
                self.held.append(hook)
                return
            self.pending += 1
        if c["delay"]:
            threading.Timer(c["delay"], self.deliver, (hook,)).start()
        else:
            self.deliver(hook)

    def deliver(self, hook):
        try:
            for _ in range(self.config["repeat"]):
                self.post(hook)
        finally:
            with self.lock:
                self.pending -= 1
                self.idle.notify_all()

    def post(self, hook):
        body = hook["body"].encode()
        hook["headers"] = self.sign(hook["event"], body)
        if self.config["webhook"] is None or \
                not self.config["webhook"].get("url"):
            return
        request = urllib.request.Request(
            self.config["webhook"]["url"], body, hook["headers"])
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                hook["answers"].append(answer.status)
        except urllib.error.HTTPError as e:
            hook["answers"].append(e.code)
        except OSError as e:
            hook["answers"].append(str(e))
        with self.lock:
            self.counts["hooks"] += 1

    def release(self, order):
        with self.lock:
            held, self.held = self.held, []
            self.pending += len(held)
        for i in order if order is not None else range(len(held)):
            self.post(held[i])
        with self.lock:
            self.pending -= len(held)
            self.idle.notify_all()

    # What is asked of it. Each returns status, body, headers.

    def create(self, org, pipeline, ask):
        body = ask.json()
        # 4.1
        missing = [{"field": f, "code": "missing_field"}
                   for f in ("commit", "branch")
                   if not isinstance(body.get(f), str) or not body[f]]
        if missing:
            raise Refusal(422, "Validation Failed", errors=missing)
        for field, kind in (("env", dict), ("meta_data", dict),
                            ("pull_request_id", int), ("message", str),
                            ("clean_checkout", bool), ("author", (dict, str)),
                            ("pull_request_base_branch", str),
                            ("pull_request_repository", str),
                            ("ignore_pipeline_branch_filters", bool)):
            if field in body and not isinstance(body[field], kind):
                raise Refusal(422, "Validation Failed",
                              errors=[{"field": field, "code": "invalid"}])
        meta = {k: v if isinstance(v, str) else json.dumps(v)
                for k, v in body.get("meta_data", {}).items()}
        if any(len(v.encode()) > 102400 or k.startswith("buildkite:")
               for k, v in meta.items()):
            raise Refusal(422, "Validation Failed",
                          errors=[{"field": "meta_data", "code": "invalid"}])
        if pipeline in self.config["branches_disabled"] and \
                not body.get("ignore_pipeline_branch_filters"):
            raise Refusal(422, "Branches have been disabled for this pipeline")
        pull = None
        if "pull_request_id" in body:       # comes back as a string
            pull = {"id": str(body["pull_request_id"]),
                    "base": body.get("pull_request_base_branch"),
                    "repository": body.get("pull_request_repository")}
        build = self.add(org, pipeline, meta_data=meta, pull_request=pull,
                         env=body.get("env", {}), author=body.get("author"),
                         **{k: body.get(k) for k in
                            ("commit", "branch", "message")})
        triple = " ".join(meta.get("tack:" + k, "-") for k in
                          ("knot", "pipeline_rkey", "workflow"))
        self.counts["builds"][triple] = self.counts["builds"].get(triple, 0) + 1
        # The webhook is out before the answer.
        ask.first = lambda: self.tell("build.scheduled", build)
        return 201, build, {}

    def shape(self, build, ask):
        # only the newest attempt of a job, unless asked.
        b = dict(build)
        jobs = b["jobs"]
        if ask.flag("exclude_jobs"):
            del b["jobs"]
        else:
            if not ask.flag("include_retried_jobs"):
                jobs = [j for j in jobs if not j["retried"]]
            wanted = ask.many("job_states")
            b["jobs"] = [j for j in jobs if not wanted or j["state"] in wanted]
        if ask.flag("exclude_pipeline"):
            del b["pipeline"]
        return b

    def get(self, org, pipeline, number, ask):
        return 200, self.shape(self.find(org, pipeline, number), ask), {}

    def list(self, org, pipeline, ask):
        # newest first.
        base = f"{API}/v2/organizations/{org}/" + \
            (f"pipelines/{pipeline}/" if pipeline else "")
        rows = [b for b in reversed(self.builds) if b["url"].startswith(base)]
        states = set(ask.many("state"))
        if "finished" in states:
            states |= {"passed", "failed", "blocked", "canceled"}
        if states:
            rows = [b for b in rows if
                    ("blocked" if b["blocked"] else b["state"]) in states]
        for name in ("branch", "commit"):
            wanted = ask.many(name)
            if wanted:
                rows = [b for b in rows if any(
                    fnmatch.fnmatchcase(b[name], w) for w in wanted)]
        for name, member, keep in (
                ("created_from", "created_at", lambda at, limit: at >= limit),
                ("created_to", "created_at", lambda at, limit: at < limit),
                ("finished_from", "finished_at", lambda at, limit: at >= limit)):
            limit = ask.one(name)
            if limit is not None:
                limit = ask.time(limit)
                rows = [b for b in rows if b[member] and
                        keep(ask.time(b[member]), limit)]
        for key, value in ask.query:
            m = re.fullmatch(r"meta_data\[(.*)\]", key)
            if m:
                rows = [b for b in rows
                        if b["meta_data"].get(m.group(1)) == value]
        page = ask.number("page", 1, 10**9)
        size = ask.number("per_page", 30, 100)      # silently capped
        if (page - 1) * size >= self.config["deep"]:
            raise Refusal(400, "Listing builds this deep is not supported. "
                          "Please narrow your query using filters such as "
                          "branch or created_from.")
        last = max(1, -(-len(rows) // size))
        links = [f'<{ask.page(n)}>; rel="{rel}"' for rel, n, there in (
            ("next", page + 1, page < last), ("last", last, page < last),
            ("first", 1, page > 1), ("prev", page - 1, page > 1)) if there]
        return 200, [self.shape(b, ask) for b in
                     rows[(page - 1) * size:page * size]], \
            {"Link": ", ".join(links)} if links else {}

    def cancel(self, org, pipeline, number, ask):
        b = self.find(org, pipeline, number)
        # 4.5
        if b["state"] not in ("scheduled", "running", "failing"):
            raise Refusal(422, "Build can no longer be canceled")
        event = self.change(b, {
            "state": "canceled" if b["state"] == "scheduled"
            else self.config["cancel"]})
        if event:
            ask.first = lambda: self.tell(event, b)
        return 200, b, {}

    def rebuild(self, org, pipeline, number, ask):
        old = self.find(org, pipeline, number)
        if pipeline in self.config["no_rebuilds"]:
            raise Refusal(403, "Forbidden")
        # 1: commit, branch, message, env and pull request; not meta_data.
        new = self.add(org, pipeline, rebuilt_from={
            k: old[k] for k in ("id", "number", "url")}, **{
                k: old[k] for k in
                ("commit", "branch", "message", "env", "pull_request")})
        self.counts["builds"]["rebuilt " + old["id"]] = \
            self.counts["builds"].get("rebuilt " + old["id"], 0) + 1
        ask.first = lambda: self.tell("build.scheduled", new)
        return 200, new, {}

    def retry(self, org, pipeline, number, ask):
        b = self.find(org, pipeline, number)
        states = ask.json().get("states", "failed,timed_out").split(",")
        if set(states) - {"failed", "timed_out", "expired", "canceled"}:
            raise Refusal(400, f"Invalid states: {','.join(states)}")
        if b["state"] in ("canceled", "canceling"):
            raise Refusal(422, "Jobs from canceled builds cannot be retried")
        again = [j for j in b["jobs"]
                 if j["state"] in states and not j["retried"]]
        for old in again:
            new = self.job(b, old["command"])   # the old one keeps its log
            new.update(retries_count=(old["retries_count"] or 0) + 1,
                       retry_source={"job_id": old["id"],
                                     "retry_type": "manual"})
            old.update(retried=True, retried_in_job_id=new["id"])
            b["jobs"].insert(b["jobs"].index(old), new)
        if again:
            ask.first = lambda: self.move(b, {"state": "running"})
        return 202, {"retried_jobs_count": len(again)}, {}

    def jobs(self, org, pipeline, number, ask):
        # another shape, cursors, and retried jobs by default.
        b, wanted = self.find(org, pipeline, number), ask.many("state")
        rows = [j for j in b["jobs"]
                if (not wanted or j["state"] in wanted) and
                (ask.one("include_retried_jobs") != "false" or
                 not j["retried"])]
        ids = [j["id"] for j in rows]
        after = ask.one("after")
        start = ids.index(after) + 1 if after in ids else 0
        size = ask.number("per_page", 30, 100)
        links = {"self": API + ask.path}
        if start + size < len(rows):
            links["next"] = \
                f"{b['url']}/jobs?per_page={size}&after={ids[start + size - 1]}"
        return 200, {"items": rows[start:start + size], "links": links}, {}

    def log(self, org, uid, form, ask):
        # 4.7
        base = f"{API}/v2/organizations/{org}/"
        build = next((b for b in self.builds if b["url"].startswith(base)
                      and uid in [j["id"] for j in b["jobs"]]), None)
        if build is None:
            raise Refusal(404, "No job found")
        raw = self.logs.get(uid)
        if raw is None:
            raise Refusal(404, "No log found")
        raw, accept = bytes(raw), ask.headers.get("Accept", "")
        text = form == ".txt" or "text/plain" in accept
        wanted = ask.headers.get("Range")
        if ask.command == "HEAD":
            return 200, raw, {"Accept-Ranges": "bytes",
                              "Content-Type": "text/plain"}
        if wanted is not None:
            m = re.fullmatch(r"bytes=-([1-9]\d*)", wanted)
            if not text or m is None:
                raise Refusal(400, "Only suffix ranges are supported")
            if not raw:
                raise Refusal(416, "Requested range not satisfiable")
            part = raw[-int(m.group(1)):]
            return 206, part, {
                "Content-Type": "text/plain", "Content-Range":
                f"bytes {len(raw) - len(part)}-{len(raw) - 1}/{len(raw)}"}
        whole = raw.decode(errors="replace")
        if text:
            return 200, whole.encode(), {"Content-Type": "text/plain"}
        if form == ".html" or "text/html" in accept:
            return 200, f"<pre>{whole}</pre>".encode(), \
                {"Content-Type": "text/html"}
        times = re.findall("\x1b_bk;t=(\\d+)\x07(?:---|\\+\\+\\+|~~~) ", whole)
        return 200, {"url": ask.path, "content": whole, "size": len(raw),
                     "header_times": [int(t) * 10**6 for t in times]}, {}

    def meta(self, ask):
        return 200, {"webhook_ips": ["127.0.0.1"]}, {}

    # What the director says.

    def direct(self, verb, name, ask):
        body = ask.json() if ask.command == "POST" else {}
        if verb == "config":
            self.configure(body)
        elif verb == "build":
            self.move(self.named(name), body)
        elif verb == "metadata":
            self.named(name)["meta_data"].update(body)
        elif verb == "log":
            job = self.named(name)["jobs"][body.get("job", 0)]["id"]
            with self.lock:
                self.logs.setdefault(job, bytearray()).extend(
                    body["text"].encode("utf-8", "surrogateescape"))
        elif verb == "deliver":
            self.release(body.get("order"))
        elif verb == "wait":
            with self.idle:
                self.idle.wait_for(lambda: self.pending == 0, 30)
        elif verb in ("counts", "builds", "hooks", "requests"):
            with self.lock:
                return 200, copy.deepcopy(getattr(self, verb)), {}
        else:
            raise Refusal(404, "no such stage direction")
        return 200, {}, {}
