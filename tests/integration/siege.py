# SPDX-License-Identifier: ISC
"""Everything at once, under kills or troubles, and what is left of it.

usage: siege.py kills|troubles amount seed

A knot announces pushes (tack-http on a database of its own), the example's
chain starts them at a played Buildkite, whose webhooks go to tack-http, and a
round goes every other second. A supervisor starts again what ends. Meanwhile
processes of ours are killed, or the machine has its troubles. Afterwards it is
left alone but for the rounds, and every push is to have one build, and every
build its end. Only what would be a wait of hours is made short: the times
until which something is put off are set back.
"""
import json, os, random, shutil, signal, sqlite3, subprocess, sys, threading
import time, urllib.error, urllib.request

mode, amount, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dice = random.Random(seed)
api, path = os.environ["TACK_BUILDKITE_API"], os.environ["TACK_DB_PATH"]
top = os.environ["TOP"]
did = "did:plc:ybyha3iyrypyhxvpilnleydk"
quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
         "stderr": open(os.environ["SIEGE_ERR"], "ab")}
stop = threading.Event()
clock = {}                      # what faketime(1) sets, while a clock is wrong


def tell(verb, body):
    request = urllib.request.Request(f"{api}/_/{verb}",
        json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request, timeout=60).read()


def ask(verb):
    with urllib.request.urlopen(f"{api}/_/{verb}", timeout=60) as answer:
        return json.load(answer)


class Kept:
    """A program that is started again whenever it ends."""

    def __init__(self, *argv):
        self.argv, self.starts = argv, 0
        self.thread = threading.Thread(target=self.keep)
        self.thread.start()

    def keep(self):
        while not stop.is_set():
            self.process = subprocess.Popen(self.argv, start_new_session=True,
                env={**os.environ, **clock}, **quiet)
            self.starts += 1
            self.process.wait()
            finish(self.process.pid)
            stop.wait(0.3)

    def again(self):
        finish(self.process.pid)

    def end(self):
        finish(self.process.pid)
        self.thread.join()


def finish(group):
    """End a process group, as a supervisor does with what is left of one."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def family(pid):
    """A process and its descendants."""
    found = [pid]
    for p in found:
        try:
            with open(f"/proc/{p}/task/{p}/children") as f:
                found += [int(c) for c in f.read().split()]
        except OSError:
            pass
    return found


def rounds():
    while not stop.is_set():
        p = subprocess.Popen(["tack-reconcile"], start_new_session=True,
            env={**os.environ, **clock}, **quiet)
        running["round"] = p
        p.wait()
        stop.wait(2)


def announce(rkey):
    event = {
        "triggerMetadata": {"kind": "push",
            "push": {"newSha": "6" * 40, "oldSha": "2" * 40,
                     "ref": "refs/heads/main"},
            "repo": {"knot": knot, "did": did, "repo": "lantern",
                     "defaultBranch": "main"}},
        "workflows": [{"name": "ci.yml", "engine": "tack", "clone": {},
            "raw": 'tack: {"buildkite": {"pipeline": "tangled-ci"}}'}]}
    with sqlite3.connect(os.environ["KNOT_DB"], timeout=60) as db:
        db.execute("INSERT INTO event (created, rkey, nsid, event)"
                   " VALUES (?, ?, 'sh.tangled.pipeline', ?)",
                   (time.time_ns(), rkey, json.dumps(event)))


def kill_one():
    victims = []
    for p in [server.process, chain.process, running.get("round")]:
        if p is not None and p.poll() is None:
            victims += family(p.pid)
    if not victims:
        return False
    try:
        os.kill(dice.choice(victims), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def lock_held():
    subprocess.run(["flock", path + "-lock", "sleep", "15"], **quiet)


def writer_stopped():
    victims = [p for p in family(server.process.pid)[1:]]
    for p in victims:
        os.kill(p, signal.SIGSTOP)
    time.sleep(12)
    for p in victims:
        try:
            os.kill(p, signal.SIGCONT)
        except ProcessLookupError:
            pass


def disk_full():
    with open("filler", "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"\0" * 4096)
        except OSError:
            pass
        time.sleep(8)
    os.unlink("filler")


def network_cut():
    tell("config", {"lose": 1, "faults": [
        {"kind": "any", "do": "before", "times": 8}]})
    time.sleep(6)
    tell("config", {"lose": []})


def clock_ahead():
    if shutil.which("faketime") is None:
        return
    preload = subprocess.run(["faketime", "-f", "+0", "printenv", "LD_PRELOAD"],
        stdout=subprocess.PIPE, text=True).stdout.strip()
    clock.update({"LD_PRELOAD": preload, "FAKETIME": "+2y"})
    server.again()
    chain.again()
    time.sleep(8)
    clock.clear()
    server.again()
    chain.again()


TROUBLES = [lock_held, writer_stopped, disk_full, network_cut, clock_ahead]

running = {}
knot = os.environ["KNOT"]
server = Kept("tack-http", "-l", os.environ["WEBHOOKS"])
chain = Kept(top + "/share/examples/chain", "cursor", knot, did)
cron = threading.Thread(target=rounds)
cron.start()

rkeys, done, seen = [], 0, []
if mode == "kills":
    while done < amount:
        if len(rkeys) < amount / 4 and dice.random() < 0.3:
            rkeys.append(f"r{len(rkeys)}")
            announce(rkeys[-1])
        time.sleep(dice.uniform(0, 0.3))
        done += kill_one()
else:
    for trouble in TROUBLES * amount:
        thread = threading.Thread(target=trouble)
        thread.start()
        while thread.is_alive():
            rkeys.append(f"r{len(rkeys)}")
            announce(rkeys[-1])
            time.sleep(dice.uniform(0.5, 1.5))
        thread.join()
        seen.append(trouble.__name__)
        done += 1


def wrong():
    """What is not as it should be, for each push that is not."""
    builds = {k.split()[1]: n for k, n in ask("counts")["builds"].items()}
    with sqlite3.connect(path, timeout=60) as db:
        status = dict(db.execute("SELECT pipeline_rkey, status FROM status"))
    return {r: [builds.get(r, 0), status.get(r)] for r in rkeys
            if (builds.get(r, 0), status.get(r)) != (1, "success")}


# What the follower missed while it was dead is at most five minutes old.
deadline = time.monotonic() + 600
while wrong() and time.monotonic() < deadline:
    time.sleep(1)
    with sqlite3.connect(path, timeout=60) as db:
        db.execute("UPDATE build SET not_before = 0 WHERE not_before > 0")
        db.execute("DELETE FROM budget")
        db.execute("DELETE FROM poll")
late = time.monotonic() >= deadline
stop.set()
for p in (server, chain):
    p.end()
cron.join()
hooks = [h for h in ask("hooks") if 200 in h["answers"]]
print(json.dumps({
    "done": done, "troubles": seen, "pushes": len(rkeys),
    "starts": server.starts + chain.starts, "acknowledged": len(hooks),
    "wrong": wrong(), "deadline ran out": late}))
