-- Whose pull requests are built where TACK_PULLS is members: edited by
-- tack-member.
CREATE TABLE member (
	did TEXT PRIMARY KEY CHECK (did <> '')
) STRICT, WITHOUT ROWID;

-- The owners of the repositories that are built here. With two of them, a
-- workflow file may not name just any pipeline.
CREATE TABLE tenant (
	did TEXT PRIMARY KEY CHECK (did <> '')
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO tenant (did)
SELECT DISTINCT json_extract(task, '$.repo.did')
FROM build
WHERE json_extract(task, '$.repo.did') <> '';

-- What follows makes every look a look at what is asked for or open, however
-- much has gone before. It copies the large tables; with many rows it says
-- where it is.
SELECT 'tack-init: version 3: ' || max(id) || ' builds (1 of 3)'
FROM build HAVING max(id) > 10000;

-- Is it over? A status that is an end, and an attempt of which an end has been
-- published or which a later one has followed: it has ended. What has ended or
-- has our verdict is over. (No column is generated: SQLite 3.40 cannot VACUUM
-- INTO from those with -readonly, which is how a backup is taken.) The keys
-- begin with what is looked for; record keys are in the order of time, so new
-- rows stand together. (Each tool reads all of the schema when it starts: a view
-- is dear there, so the tools have the words that two queries share.)
DROP VIEW run;
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
	ended INTEGER NOT NULL DEFAULT 0,
	UNIQUE (build_id, provider),
	UNIQUE (pipeline_rkey, knot, workflow, attempt)
) STRICT;

INSERT INTO attempt (id, provider, build_id, knot, pipeline_rkey, workflow,
    attempt, number, org, pipeline, web_url, task, line, created_at, sent_at,
    not_before, tries, verdict, reason, missing_at, ended)
SELECT id, provider, build_id, b.knot, b.pipeline_rkey, b.workflow,
    b.attempt, number, org, pipeline, web_url, task, line, b.created_at,
    sent_at, not_before, tries, verdict, reason, missing_at,
    coalesce(s.attempt > b.attempt OR (s.attempt = b.attempt
	AND s.status NOT IN ('pending', 'running')), 0)
FROM build AS b LEFT JOIN status AS s ON s.knot = b.knot
    AND s.pipeline_rkey = b.pipeline_rkey AND s.workflow = b.workflow
ORDER BY id;

DROP TABLE build;
ALTER TABLE attempt RENAME TO build;

CREATE INDEX build_open ON build (provider, org, pipeline)
WHERE NOT ended;
CREATE INDEX build_line ON build (line, workflow)
WHERE line IS NOT NULL AND NOT ended AND verdict IS NULL;

-- Each event knows the one before of its workflow, and status the last one.
-- created needs no AUTOINCREMENT, which is a page each time: floor remembers
-- the last event that was deleted. rkey is made from created and is as unique.
SELECT 'tack-init: version 3: ' || count(*) || ' events, in order (2 of 3)'
FROM event HAVING count(*) > 10000;

CREATE TEMP TABLE chain (created INTEGER PRIMARY KEY, before INTEGER);
INSERT INTO chain
SELECT created, lag(created) OVER (
	PARTITION BY json_extract(event, '$.pipeline'),
	    json_extract(event, '$.workflow')
	ORDER BY created)
FROM event
WHERE nsid = 'sh.tangled.pipeline.status';

SELECT 'tack-init: version 3: ' || count(*) || ' events (3 of 3)'
FROM event HAVING count(*) > 10000;

CREATE TABLE entry (
	created INTEGER PRIMARY KEY,
	rkey TEXT NOT NULL,
	nsid TEXT NOT NULL,
	event TEXT NOT NULL,
	before INTEGER
) STRICT;

INSERT INTO entry (created, rkey, nsid, event, before)
SELECT created, rkey, nsid, event, before
FROM event LEFT JOIN chain USING (created)
ORDER BY created;

CREATE TABLE floor (created INTEGER NOT NULL) STRICT;
INSERT INTO floor
SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event';

CREATE TABLE stand (
	knot TEXT NOT NULL,
	pipeline_rkey TEXT NOT NULL,
	workflow TEXT NOT NULL,
	status TEXT NOT NULL CHECK (status IN ('pending', 'running',
	    'failed', 'timeout', 'cancelled', 'success')),
	created_at INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	finished_at INTEGER NOT NULL,
	held INTEGER NOT NULL DEFAULT 0,
	ask INTEGER NOT NULL DEFAULT 0,
	attempt INTEGER NOT NULL DEFAULT 1,
	published_at INTEGER NOT NULL DEFAULT 0,
	event INTEGER,
	PRIMARY KEY (pipeline_rkey, knot, workflow)
) STRICT, WITHOUT ROWID;

INSERT INTO stand (knot, pipeline_rkey, workflow, status, created_at,
    started_at, finished_at, held, ask, attempt, published_at)
SELECT knot, pipeline_rkey, workflow, status, created_at, started_at,
    finished_at, held, ask, attempt, published_at
FROM status;

-- The end of each chain is nobody's before.
UPDATE stand SET event = last.created
FROM (SELECT created, substr(json_extract(event, '$.pipeline'), 14) AS uri,
	json_extract(event, '$.workflow') AS workflow
    FROM event
    WHERE created IN (SELECT created FROM chain
	EXCEPT SELECT before FROM chain)) AS last
WHERE stand.workflow = last.workflow
AND stand.knot = substr(uri, 1, instr(uri, '/') - 1)
AND stand.pipeline_rkey = substr(uri,
    instr(uri, '/sh.tangled.pipeline/') + 21);

DROP TABLE chain;
DROP TABLE event;
DROP TABLE status;
ALTER TABLE entry RENAME TO event;
ALTER TABLE stand RENAME TO status;

CREATE TRIGGER event_gone AFTER DELETE ON event
BEGIN
	UPDATE floor SET created = old.created
	WHERE created < old.created;
END;

CREATE INDEX status_ask ON status (ask) WHERE ask = 1;

CREATE TRIGGER status_first AFTER INSERT ON status
WHEN new.status NOT IN ('pending', 'running') OR new.attempt > 1
BEGIN
	UPDATE build SET ended = attempt < new.attempt
	    OR new.status NOT IN ('pending', 'running')
	WHERE pipeline_rkey = new.pipeline_rkey AND knot = new.knot
	AND workflow = new.workflow AND attempt <= new.attempt;
END;

CREATE TRIGGER status_next AFTER UPDATE OF status, attempt ON status
WHEN new.status <> old.status OR new.attempt <> old.attempt
BEGIN
	UPDATE build SET ended = attempt < new.attempt
	    OR new.status NOT IN ('pending', 'running')
	WHERE pipeline_rkey = new.pipeline_rkey AND knot = new.knot
	AND workflow = new.workflow AND attempt <= new.attempt
	AND ended <> (attempt < new.attempt
	    OR new.status NOT IN ('pending', 'running'));
END;

-- Where builds have been of late: build is the newest, seen_at, in unix
-- seconds, when tack-poll last saw one begin or open. What is not known is ''.
CREATE TABLE place (
	provider TEXT NOT NULL,
	org TEXT NOT NULL,
	pipeline TEXT NOT NULL,
	build INTEGER NOT NULL,
	seen_at INTEGER NOT NULL,
	PRIMARY KEY (provider, org, pipeline)
) STRICT, WITHOUT ROWID;

INSERT INTO place (provider, org, pipeline, build, seen_at)
SELECT provider, coalesce(org, ''), coalesce(pipeline, ''), max(id),
    max(min(created_at, unixepoch()))
FROM build
WHERE build_id IS NOT NULL OR sent_at IS NOT NULL
GROUP BY provider, coalesce(org, ''), coalesce(pipeline, '');
