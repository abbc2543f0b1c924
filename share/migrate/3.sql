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
