-- What the peers store: as much as tack does of a webhook.
CREATE TABLE IF NOT EXISTS build (
	id INTEGER PRIMARY KEY,
	provider TEXT NOT NULL,
	build_id TEXT NOT NULL,
	knot TEXT NOT NULL,
	pipeline_rkey TEXT NOT NULL,
	workflow TEXT NOT NULL,
	number TEXT,
	pipeline TEXT,
	web_url TEXT,
	UNIQUE (provider, build_id),
	UNIQUE (knot, pipeline_rkey, workflow)
) STRICT;

CREATE TABLE IF NOT EXISTS status (
	knot TEXT NOT NULL,
	pipeline_rkey TEXT NOT NULL,
	workflow TEXT NOT NULL,
	status TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (knot, pipeline_rkey, workflow)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS event (
	created INTEGER PRIMARY KEY,
	rkey TEXT NOT NULL UNIQUE,
	nsid TEXT NOT NULL,
	event TEXT NOT NULL
) STRICT;
