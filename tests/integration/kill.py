# SPDX-License-Identifier: ISC
"""Kill tack-spawn at random points, then let it be, and count the builds.

usage: kill.py kills seed

Afterwards rounds go on as long as they make something.

Where: a trigger of its own each, two at a time, the whole of the processes,
or the filter alone, or the starter alone. Each second one is tried and killed
again, as a trigger or in a round.
"""
import json, os, random, signal, sqlite3, subprocess, sys, time, urllib.request

kills, seed = int(sys.argv[1]), int(sys.argv[2])
dice = random.Random(seed)
api, path = os.environ["TACK_BUILDKITE_API"], os.environ["TACK_DB_PATH"]
workflow = {"name": "ci.yml", "engine": "tack", "clone": {},
            "raw": 'tack: {"buildkite": {"pipeline": "tangled-ci"}}'}


def record(rkey):
    return json.dumps({
        "rkey": rkey, "nsid": "sh.tangled.pipeline",
        "source": "knot.example.org", "event": {
            "triggerMetadata": {
                "kind": "push",
                "push": {"newSha": "6" * 40, "oldSha": "2" * 40,
                         "ref": "refs/heads/main"},
                "repo": {"knot": "knot.example.org",
                         "did": "did:plc:ybyha3iyrypyhxvpilnleydk",
                         "repo": "lantern", "defaultBranch": "main"}},
            "workflows": [workflow]}}) + "\n"


def begin(rkey):
    p = subprocess.Popen(
        ["tack-spawn"] + ([] if rkey else ["-r"]), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    try:
        if rkey:
            p.stdin.write(record(rkey).encode())
        p.stdin.close()
    except BrokenPipeError:
        pass
    return p


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(c) for c in f.read().split()]
    except OSError:
        return []


def kill(p, at):
    time.sleep(max(0, at - time.monotonic()))
    how = dice.choice(["all", "all", "filter", "starter"])
    try:
        if how == "all":
            os.killpg(p.pid, signal.SIGKILL)
        elif how == "filter":
            p.kill()
        else:
            for c in children(p.pid):
                os.kill(c, signal.SIGKILL)
    except ProcessLookupError:
        pass
    p.wait()


def due():
    with sqlite3.connect(path, timeout=300) as db:
        db.execute("UPDATE build SET not_before = 0")
        db.execute("DELETE FROM budget")
        return db.execute("SELECT count(*) FROM build WHERE build_id IS NULL"
                          " AND verdict IS NULL").fetchone()[0]


def counts():
    with urllib.request.urlopen(api + "/_/counts") as answer:
        return json.load(answer)


took = []
for _ in range(3):
    start = time.monotonic()
    begin("first").wait()
    took.append(time.monotonic() - start)
longest = 1.2 * sorted(took)[1]

rkeys, done = [], 0
while done < kills:
    if not rkeys or dice.random() < 0.8:
        rkeys.append(f"r{len(rkeys)}")
    batch = [rkeys[-1], dice.choice(rkeys + [None])]
    running = [(begin(r), time.monotonic() + dice.uniform(0, longest))
               for r in batch]
    for p, at in sorted(running, key=lambda r: r[1]):
        kill(p, at)
        done += 1
    if None in batch:
        due()

feed = "".join(record(r) for r in rkeys)
subprocess.run(["tack-spawn"], input=feed.encode(), stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL)
left, idle = due(), 0
while left and idle < 20:
    subprocess.run(["tack-spawn", "-w", "600", "-r"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before, left = left, due()
    idle = 0 if left < before else idle + 1
c = counts()
built = {k.split()[1]: n for k, n in c["builds"].items()}
print(json.dumps({
    "kills": done, "triggers": len(rkeys), "open": due(),
    "one": sum(built.get(r) == 1 for r in rkeys),
    "none": [r for r in rkeys if r not in built],
    "more": [r for r in rkeys if built.get(r, 1) > 1],
    "asked": c["requests"], "window_ms": round(longest * 1000)}))
