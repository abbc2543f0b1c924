# SPDX-License-Identifier: ISC
"""What a query costs with few builds behind it, and with many.

growth.py fill DATABASE BUILDS: as many builds of years, five of them open.
growth.py plans DATABASE FILE...: the plan of each statement in object files
    and in files of SQL; says which one reads a table that grows.
growth.py steps SMALL LARGE FILE...: the steps of SQLite's machine for each;
    says which one takes more than twice as many in the larger one.
growth.py pages DATABASE BODY: the pages that tack-webhook writes to the WAL for
    a build's first, second and last status.
"""
import base64, hashlib, json, os, re, sqlite3, subprocess, sys

OPEN = 5
# What may be read from end to end: it is small, or only what is open.
SMALL = re.compile(r"SCAN (place|member|tenant|floor|poll|budget|log|watched|w|"
    r"CONSTANT ROW|\(subquery-\d+\)|"
    r".*USING (COVERING )?INDEX (build_open|build_line|status_ask))( |$)")
VERB = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|WITH) ")

FILL = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :n)
INSERT INTO build (provider, build_id, knot, pipeline_rkey, workflow, number,
    org, pipeline, web_url, task, line, verdict, created_at)
SELECT iif(i % 9, 'buildkite', 'local'),
    iif(i % 10 OR i > :n - :open, hex(randomblob(16)), NULL),
    'knot' || i % 7 || '.example.org', printf('3l%011d', i), 'ci.yml', i,
    'acme', 'p' || i % 5, 'https://ci.example.org/' || i, '{"sha": "x"}',
    'repo' || i % 50 || ' refs/heads/main',
    iif(i % 10 OR i > :n - :open, NULL, 'failed'), 1700000000 + i * 60
FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :n),
    k (k) AS (VALUES (0), (1), (2))
INSERT INTO event (created, rkey, nsid, event, before)
SELECT (1700000000 + i * 60 + k) * 1000000000, printf('3l%010d%d', i, k),
    'sh.tangled.pipeline.status', json_object('pipeline',
	'at://did:web:knot' || i % 7 || '.example.org/sh.tangled.pipeline/'
	|| printf('3l%011d', i), 'workflow', 'ci.yml', 'status',
	iif(k, iif(k = 1, 'running', 'success'), 'pending')),
    iif(k, (1700000000 + i * 60 + k - 1) * 1000000000, NULL)
FROM n, k ORDER BY 1;
INSERT INTO status (knot, pipeline_rkey, workflow, status, created_at,
    started_at, finished_at, published_at, event)
SELECT knot, pipeline_rkey, workflow,
    iif(id > (SELECT max(id) FROM build) - :open, 'running', 'success'),
    created_at * 1000, created_at, created_at + 2, created_at * 1000,
    (created_at + 2) * 1000000000
FROM build;
INSERT INTO place (provider, org, pipeline, build, seen_at)
SELECT provider, org, pipeline, max(id) - :open, 1800000000
FROM build GROUP BY 1, 2, 3;
"""


def fill(path, builds):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    for sql in FILL.split(";")[:-1]:
        db.execute(sql, {"n": builds, "open": OPEN})
    db.execute("COMMIT")


def statements(files):
    """Those of object files by their literals, of others by semicolons."""
    found = {}
    for name in files:
        with open(name, "rb") as f:
            data = f.read()
        for text in data.split(b"\0" if data[:4] == b"\x7fELF" else b";"):
            try:
                text = text.decode().strip()
            except UnicodeDecodeError:
                continue
            if VERB.match(text) and text.isprintable() or \
                    VERB.match(text) and not data[:4] == b"\x7fELF":
                found[text] = name
    return found


def values(db, sql):
    """What a tool would bind: the newest row's."""
    row = dict(zip(("row", "id", "provider", "knot", "rkey", "workflow"),
        db.execute("SELECT id, build_id, provider, knot, pipeline_rkey,"
            " workflow FROM build ORDER BY id DESC LIMIT 1").fetchone()))
    row.update(parent=row["id"], account="a", did="d", org="acme",
        pipeline="p", attempt=1, now=2000000000, at=2000000000, since=0,
        cursor=9 * 10**18, before=0, created=9 * 10**18, status="failed",
        verdict="failed", nsid="n", event="{}", reason="r")
    names = set(re.findall(r":([a-z_]+)", sql))
    if "INSERT INTO build" in sql:
        row.update(rkey="3zzzz", id="new")
    return {n: row.get(n) for n in names}


def steps(db, sql):
    count = 0

    def one():
        nonlocal count
        count += 1
    db.execute("SAVEPOINT s")
    db.set_progress_handler(one, 1)
    try:
        db.execute(sql, values(db, sql)).fetchall()
    except sqlite3.IntegrityError:
        pass
    db.set_progress_handler(None, 1)
    db.execute("ROLLBACK TO s")
    db.execute("RELEASE s")
    return count


def pages(path, body, builds=40):
    """Each webhook is a transaction, by a process of its own."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("SELECT count(*) FROM event").fetchone()
    written = []
    for state, event in (("scheduled", "build.scheduled"),
            ("running", "build.running"), ("passed", "build.finished")):
        before = os.path.getsize(path + "-wal")
        for i in range(builds):
            body["event"], body["build"]["state"] = event, state
            body["build"]["id"] = hashlib.sha256(b"%d" % i).hexdigest()
            body["build"]["meta_data"]["tack:pipeline_rkey"] = "3m%011d" % i
            request = {"method": "POST", "path": "/webhooks/buildkite",
                "query": "", "headers": {"x-buildkite-token":
                    "0123456789abcdef0123"},
                "body": base64.b64encode(json.dumps(body).encode()).decode()}
            said = subprocess.run(["tack-webhook", "-t", "0", "-d", path],
                input=json.dumps({"request": request}) + "\n", text=True,
                capture_output=True, check=True).stdout
            if json.loads(said).get("outcome") != "published":
                sys.exit(said)
        written.append((os.path.getsize(path + "-wal") - before)
            / 4120 / builds)
    return written


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA trusted_schema = OFF")
    return db


verb, args = sys.argv[1], sys.argv[2:]
bad = 0
if verb == "fill":
    fill(args[0], int(args[1]))
elif verb == "plans":
    db, found = connect(args[0]), statements(args[1:])
    for sql, name in found.items():
        limited = re.search(r"ORDER BY (id|created)( DESC)? LIMIT", sql)
        for row in db.execute("EXPLAIN QUERY PLAN " + sql, values(db, sql)):
            plan = row[3]
            if "SCAN" in plan and not SMALL.match(plan) and not limited \
                    or "AUTOMATIC" in plan:
                print("%s: %s\n    %s" % (name, plan, sql))
                bad += 1
    print("# %d statements have a plan, %d read a table that grows"
        % (len(found), bad))
    bad += len(found) < 40
elif verb == "steps":
    small, large = connect(args[0]), connect(args[1])
    worst = 0
    for sql, name in statements(args[2:]).items():
        few, many = steps(small, sql), steps(large, sql)
        worst = max(worst, many / few)
        if many > 2 * few:
            print("%s: %d steps, then %d\n    %s" % (name, few, many, sql))
            bad += 1
    print("# the worst statement takes %.2f times the steps" % worst)
elif verb == "pages":
    with open(args[1]) as f:
        first, second, last = pages(args[0], json.load(f))
    print("# a first status writes %.1f pages to the WAL, a second %.1f, the"
        " last %.1f" % (first, second, last))
    # What it wrote before there were indexes for what grows, as measured here.
    bad = first > 7.4 or second > 4.2 or last > 4.3
sys.exit(bad > 0)
