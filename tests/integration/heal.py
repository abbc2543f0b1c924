# SPDX-License-Identifier: ISC
"""Lose every subset of a build's webhooks.

usage: heal.py

For each course that a build may take, and each subset of the webhooks that
Buildkite sends of it, plays a build; twice, as the rest may also come in the
other order. Writes what tack-spawn said of each to `spawned`, what of its
webhooks arrives to `arrived`, in which each is as tack-verify says it, and
where each workflow must end to `expected`.
"""
import http.client, itertools, json, os

COURSES = {  # states, and what must be published in the end
    "waiting": ([], "pending"),
    "running": (["running"], "running"),
    "passed": (["running", "passed"], "success"),
    "failed": (["running", "failing", "failed"], "failed"),
    "retried": (["running", "failing", "failed", "running", "passed"],
                "success"),
    "reopened": (["running", "passed", "running"], "running"),
    "flipped": (["running", "passed", "running", "failed"], "failed"),
    "canceled": (["running", "canceling", "canceled"], "cancelled"),
    "unstarted": (["canceled"], "cancelled"),
    "skipped": (["skipped"], "cancelled"),
    "unrun": (["not_run"], "cancelled"),
    "gate": (["running", "blocked"], "running"),
    "unblocked": (["running", "blocked", "running", "passed"], "success"),
}
KNOT = "knot.example.org"
http_ = http.client.HTTPConnection(os.environ["TACK_BUILDKITE_API"][7:])


def ask(method, path, body=None):
    http_.request(method, path, body and json.dumps(body), {
        "Authorization": "Bearer common", "Content-Type": "application/json"})
    return json.load(http_.getresponse())


def play(name, states):
    """A build that goes through the states."""
    build = ask("POST", "/v2/organizations/acme-forge/pipelines/tangled-ci/"
                "builds", {
                    "commit": "6" * 40, "branch": "main", "meta_data": {
                        "tack:knot": KNOT, "tack:pipeline_rkey": "heal",
                        "tack:workflow": name}})
    for state in states:
        ask("POST", f"/_/build/{build['id']}", {"state": state})
    return build


spawned, arrived, expected = [], [], []
for course, (states, status) in COURSES.items():
    hooks = 1 + sum(s != "canceling" for s in states)
    for kept in itertools.product([False, True], repeat=hooks):
        for turned in (False, True):
            name = "%s-%s%s" % (course, "".join("01"[k] for k in kept),
                                "-turned" if turned else "")
            build = play(name, states)
            spawned.append({
                "provider": "buildkite", "event": "spawn",
                "ref": {"knot": KNOT, "pipeline_rkey": "heal",
                        "workflow": name, "attempt": 1, "pipeline_uri":
                        f"at://did:web:{KNOT}/sh.tangled.pipeline/heal"},
                "build": {"id": build["id"], "number": str(build["number"]),
                          "org": "acme-forge", "pipeline": "tangled-ci",
                          "status": "pending"}})
            arrived.append((build["number"], kept, turned))
            expected.append(f"{name} {status}")

sent = {}
for hook in ask("GET", "/_/hooks"):
    sent.setdefault(hook["number"], []).append(hook)
with open("spawned", "w", encoding="utf-8") as f:
    f.writelines(json.dumps(s) + "\n" for s in spawned)
with open("expected", "w", encoding="utf-8") as f:
    f.writelines(e + "\n" for e in sorted(expected))
with open("arrived", "w", encoding="utf-8") as f:
    for number, kept, turned in arrived:
        assert len(sent[number]) == len(kept)
        rest = list(itertools.compress(sent[number], kept))
        for hook in reversed(rest) if turned else rest:
            f.write('{"provider":"buildkite","event":"%s","payload":%s}\n' % (
                hook["event"], hook["body"]))
