-- A workflow may be built again: each attempt is a row, and the newest one is
-- the run that people see. A row is written before the CI is asked for the
-- build; task says what to build, NULL if somebody else started it. line is
-- the repository and ref in which a newer push supersedes it. Times are unix
-- seconds. While sent_at is set, a create or rebuild was sent whose answer is
-- not known. verdict is our own word where the CI has none, with its reason;
-- missing_at, since when the CI does not know the build.
CREATE TABLE attempt (
	id INTEGER PRIMARY KEY,
	provider TEXT NOT NULL,
	build_id TEXT CHECK (build_id <> ''),
	knot TEXT NOT NULL CHECK (knot <> ''),
	pipeline_rkey TEXT NOT NULL CHECK (pipeline_rkey <> ''),
	workflow TEXT NOT NULL CHECK (workflow <> ''),
	attempt INTEGER NOT NULL DEFAULT 1 CHECK (attempt > 0),
	number TEXT,
	org TEXT,
	pipeline TEXT,
	web_url TEXT,
	task TEXT,
	line TEXT,
	created_at INTEGER NOT NULL DEFAULT (unixepoch()),
	sent_at INTEGER,
	not_before INTEGER NOT NULL DEFAULT 0,
	tries INTEGER NOT NULL DEFAULT 0,
	verdict TEXT CHECK (verdict IN ('failed', 'timeout', 'cancelled')),
	reason TEXT,
	missing_at INTEGER,
	UNIQUE (provider, build_id),
	UNIQUE (knot, pipeline_rkey, workflow, attempt)
) STRICT;

INSERT INTO attempt (id, provider, build_id, knot, pipeline_rkey, workflow,
    number, org, pipeline, web_url)
SELECT id, provider, build_id, knot, pipeline_rkey, workflow,
    number, org, pipeline, web_url
FROM build;

DROP TABLE build;
ALTER TABLE attempt RENAME TO build;

CREATE INDEX intent ON build (id)
WHERE build_id IS NULL AND verdict IS NULL;
CREATE INDEX build_line ON build (line, workflow)
WHERE line IS NOT NULL;

-- Each workflow's newest attempt.
CREATE VIEW run AS
SELECT id, provider, build_id, knot, pipeline_rkey, workflow, attempt,
    number, org, pipeline, web_url, task, line, created_at AS begun_at,
    sent_at, not_before, tries, verdict, reason, missing_at
FROM build
WHERE attempt = (SELECT max(attempt) FROM build AS b
    WHERE b.knot = build.knot AND b.pipeline_rkey = build.pipeline_rkey
    AND b.workflow = build.workflow);

-- The attempt that the status is of, and when it was published, in unix
-- milliseconds: in a burst created_at runs ahead of that.
ALTER TABLE status ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
ALTER TABLE status ADD COLUMN published_at INTEGER NOT NULL DEFAULT 0;

-- What is left of a CI account's requests: thousandths of one at a time in
-- unix milliseconds; until, when it may be asked again.
CREATE TABLE budget (
	account TEXT PRIMARY KEY,
	tokens INTEGER NOT NULL,
	at INTEGER NOT NULL,
	until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- When an account was last asked for what is open and what has ended.
CREATE TABLE poll (
	account TEXT PRIMARY KEY,
	at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
