-- Which Tangled workflow a CI's build belongs to. Written by tack-resolve
-- from the build's own word, and by what starts builds.
CREATE TABLE build (
	id INTEGER PRIMARY KEY,
	provider TEXT NOT NULL,
	build_id TEXT CHECK (build_id <> ''),
	knot TEXT NOT NULL CHECK (knot <> ''),
	pipeline_rkey TEXT NOT NULL CHECK (pipeline_rkey <> ''),
	workflow TEXT NOT NULL CHECK (workflow <> ''),
	number TEXT,
	org TEXT,
	pipeline TEXT,
	web_url TEXT,
	UNIQUE (provider, build_id),
	UNIQUE (knot, pipeline_rkey, workflow)
) STRICT;

-- Where each workflow stands. Written by tack-status alone.
-- created_at is the createdAt of its last status record, in unix
-- milliseconds; started_at and finished_at are the CI's, in unix seconds, -1 unknown;
-- held says that the status came from a build waiting at a gate; ask, that
-- only the CI itself can say what is true now.
CREATE TABLE status (
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
	PRIMARY KEY (knot, pipeline_rkey, workflow)
) STRICT, WITHOUT ROWID;

-- The event log. created is in unix nanoseconds, and is the cursor.
-- AUTOINCREMENT remembers the last one when the log is emptied.
CREATE TABLE event (
	created INTEGER PRIMARY KEY AUTOINCREMENT,
	rkey TEXT NOT NULL UNIQUE,
	nsid TEXT NOT NULL,
	event TEXT NOT NULL
) STRICT;
