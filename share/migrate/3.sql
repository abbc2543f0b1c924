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

-- Is it over? A status that is an end, and an attempt of which an end has been
-- published or which a later one has followed. What has ended or has our
-- verdict is over. These words stand nowhere else in SQL.
ALTER TABLE status ADD COLUMN ended INTEGER
    AS (status NOT IN ('pending', 'running'));
ALTER TABLE build ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE build ADD COLUMN over INTEGER
    AS (ended OR verdict IS NOT NULL);

UPDATE build SET ended = 1
WHERE EXISTS (SELECT 1 FROM status AS s
    WHERE s.knot = build.knot AND s.pipeline_rkey = build.pipeline_rkey
    AND s.workflow = build.workflow
    AND (s.attempt > build.attempt
    OR s.attempt = build.attempt AND s.ended));

CREATE TRIGGER status_first AFTER INSERT ON status
WHEN new.ended OR new.attempt > 1
BEGIN
	UPDATE build SET ended = new.ended OR attempt < new.attempt
	WHERE knot = new.knot AND pipeline_rkey = new.pipeline_rkey
	AND workflow = new.workflow AND attempt <= new.attempt;
END;

CREATE TRIGGER status_next AFTER UPDATE OF status, attempt ON status
WHEN new.ended <> old.ended OR new.attempt <> old.attempt
BEGIN
	UPDATE build SET ended = new.ended OR attempt < new.attempt
	WHERE knot = new.knot AND pipeline_rkey = new.pipeline_rkey
	AND workflow = new.workflow AND attempt <= new.attempt;
END;

CREATE TRIGGER build_late AFTER INSERT ON build
WHEN EXISTS (SELECT 1 FROM status AS s
    WHERE s.knot = new.knot AND s.pipeline_rkey = new.pipeline_rkey
    AND s.workflow = new.workflow
    AND (s.attempt > new.attempt OR s.attempt = new.attempt AND s.ended))
BEGIN
	UPDATE build SET ended = 1 WHERE id = new.id;
END;

-- What is open, what a newer push supersedes, what only the CI can tell, and
-- what ended of late.
CREATE INDEX build_open ON build (provider, org, pipeline) WHERE NOT ended;
DROP INDEX build_line;
CREATE INDEX build_line ON build (line, workflow) WHERE NOT over;
CREATE INDEX status_ask ON status (ask) WHERE ask = 1;
CREATE INDEX status_ended ON status (created_at) WHERE ended;

DROP VIEW run;
CREATE VIEW run AS
SELECT id, provider, build_id, knot, pipeline_rkey, workflow, attempt,
    number, org, pipeline, web_url, task, line, created_at AS begun_at,
    sent_at, not_before, tries, verdict, reason, missing_at, ended, over
FROM build
WHERE attempt = (SELECT max(attempt) FROM build AS b
    WHERE b.knot = build.knot AND b.pipeline_rkey = build.pipeline_rkey
    AND b.workflow = build.workflow);

-- What a round of tack-poll has to do with: what has not ended, what only the
-- CI can tell, and what ended within a week, as it may be done again.
CREATE VIEW watched AS
SELECT id, provider, org, pipeline, build_id, sent_at
FROM build
WHERE NOT ended
UNION
SELECT b.id, b.provider, b.org, b.pipeline, b.build_id, b.sent_at
FROM status AS s JOIN build AS b USING (knot, pipeline_rkey, workflow, attempt)
WHERE s.ask = 1
UNION
SELECT b.id, b.provider, b.org, b.pipeline, b.build_id, b.sent_at
FROM status AS s JOIN build AS b USING (knot, pipeline_rkey, workflow, attempt)
WHERE s.ended AND s.created_at > (unixepoch() - 7 * 86400) * 1000;
