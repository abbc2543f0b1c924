PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
	ask INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 1, published_at INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (knot, pipeline_rkey, workflow)
) STRICT, WITHOUT ROWID;
INSERT INTO status VALUES('k.example:3000','r','it''s "quoted"','running',1795440186759,-1,-1,0,0,1,0);
INSERT INTO status VALUES('knot.example.org','3mtj73ais6k22','ci.yml','pending',1795819919192,-1,-1,0,0,1,1795819919192);
INSERT INTO status VALUES('knot.example.org','3mtj73ais6k23','ci.yml','pending',1795819919192,-1,-1,0,0,1,1795819919192);
INSERT INTO status VALUES('knot.example.org','3mtj73ais6k24','ci.yml','failed',1795819919631,-1,-1,0,0,1,1795819919631);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c21','w é 1.yml','pending',1795440186323,-1,-1,0,0,1,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c22','ci.yml','cancelled',1795440189930,1787576500,1787576527,0,0,1,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c22','w é 2.yml','running',1795440186385,-1,-1,0,0,1,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c23','w é 3.yml','success',1795440186445,-1,-1,0,0,1,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c24','w é 4.yml','failed',1795440186490,-1,-1,0,0,1,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c25','w é 5.yml','cancelled',1795440186578,-1,-1,0,0,1,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c26','w é 6.yml','running',1795440186635,-1,-1,1,1,1,0);
CREATE TABLE event (
	created INTEGER PRIMARY KEY AUTOINCREMENT,
	rkey TEXT NOT NULL UNIQUE,
	nsid TEXT NOT NULL,
	event TEXT NOT NULL
) STRICT;
INSERT INTO event VALUES(1795440185930454380,'3n2y7zbywqq22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c22","workflow":"ci.yml","status":"pending","createdAt":"2026-11-23T13:23:05.930Z"}');
INSERT INTO event VALUES(1795440185964883172,'3n2y7zbzyen22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c22","workflow":"ci.yml","status":"running","createdAt":"2026-11-23T13:23:06.930Z"}');
INSERT INTO event VALUES(1795440186014483630,'3n2y7zc3isn22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c22","workflow":"ci.yml","status":"success","createdAt":"2026-11-23T13:23:07.930Z"}');
INSERT INTO event VALUES(1795440186117051881,'3n2y7zc6mxv22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c22","workflow":"ci.yml","status":"failed","createdAt":"2026-11-23T13:23:08.930Z"}');
INSERT INTO event VALUES(1795440186144177952,'3n2y7zc7hhl22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c22","workflow":"ci.yml","status":"cancelled","createdAt":"2026-11-23T13:23:09.930Z","error":"Canceled via API"}');
INSERT INTO event VALUES(1795440186323894992,'3n2y7zcewxq22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c21","workflow":"w é 1.yml","status":"pending","createdAt":"2026-11-23T13:23:06.323Z"}');
INSERT INTO event VALUES(1795440186385870417,'3n2y7zcgtii22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c22","workflow":"w é 2.yml","status":"running","createdAt":"2026-11-23T13:23:06.385Z"}');
INSERT INTO event VALUES(1795440186445369761,'3n2y7zcinlt22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c23","workflow":"w é 3.yml","status":"success","createdAt":"2026-11-23T13:23:06.445Z"}');
INSERT INTO event VALUES(1795440186490060211,'3n2y7zcjzag22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c24","workflow":"w é 4.yml","status":"failed","createdAt":"2026-11-23T13:23:06.490Z"}');
INSERT INTO event VALUES(1795440186578971366,'3n2y7zcmq2v22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c25","workflow":"w é 5.yml","status":"cancelled","createdAt":"2026-11-23T13:23:06.578Z"}');
INSERT INTO event VALUES(1795440186635463079,'3n2y7zcohab22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot1.example.org/sh.tangled.pipeline/3lxk4q2vw7c26","workflow":"w é 6.yml","status":"running","createdAt":"2026-11-23T13:23:06.635Z"}');
INSERT INTO event VALUES(1795440186759277590,'3n2y7zcsa5h22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:k.example:3000/sh.tangled.pipeline/r","workflow":"it''s \"quoted\"","status":"running","createdAt":"2026-11-23T13:23:06.759Z"}');
INSERT INTO event VALUES(1795819919192757407,'3n3dbo7ugpp22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k22","workflow":"ci.yml","status":"pending","createdAt":"2026-11-27T22:51:59.192Z"}');
INSERT INTO event VALUES(1795819919192909994,'3n3dbo7uguh22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k23","workflow":"ci.yml","status":"pending","createdAt":"2026-11-27T22:51:59.192Z"}');
INSERT INTO event VALUES(1795819919631541107,'3n3dboabt7p22','sh.tangled.pipeline.status','{"$type":"sh.tangled.pipeline.status","pipeline":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k24","workflow":"ci.yml","status":"failed","createdAt":"2026-11-27T22:51:59.631Z","error":"Buildkite: No pipeline found; check the names of organization and pipeline, and that the token''s user may see them"}');
CREATE TABLE IF NOT EXISTS "build" (
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
INSERT INTO build VALUES(1,'buildkite','01a03692-c579-470f-83be-4017028845cb','knot1.example.org','3lxk4q2vw7c22','ci.yml',1,'1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207',NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(2,'buildkite','dump-1','knot1.example.org','3lxk4q2vw7c21','w é 1.yml',1,'1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207',NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(3,'buildkite','dump-2','knot1.example.org','3lxk4q2vw7c22','w é 2.yml',1,'1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207',NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(4,'buildkite','dump-3','knot1.example.org','3lxk4q2vw7c23','w é 3.yml',1,'1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207',NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(5,'buildkite','dump-4','knot1.example.org','3lxk4q2vw7c24','w é 4.yml',1,'1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207',NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(6,'buildkite','dump-5','knot1.example.org','3lxk4q2vw7c25','w é 5.yml',1,'1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207',NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(7,'buildkite','dump-6','knot1.example.org','3lxk4q2vw7c26','w é 6.yml',1,'1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207',NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(8,'buildkite','dump-7','knot1.example.org','3lxk4q2vw7c27','w é 7.yml',1,'1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207',NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(9,'buildkite','bare','k.example:3000','r','it''s "quoted"',1,NULL,NULL,NULL,NULL,NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(10,'buildkite',NULL,'k','intent','w',1,NULL,NULL,NULL,NULL,NULL,NULL,1795819916,NULL,0,0,NULL,NULL,NULL);
INSERT INTO build VALUES(11,'buildkite','dda1ed9b-f35c-42b6-abb2-827dc58e367d','knot.example.org','3mtj73ais6k22','ci.yml',1,'1','acme','ci','https://buildkite.com/acme/ci/builds/1','{"ref":{"knot":"knot.example.org","pipeline_rkey":"3mtj73ais6k22","workflow":"ci.yml","pipeline_uri":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k22","attempt":1},"kind":"push","repo":{"knot":"knot.example.org","did":"did:plc:one","name":"lantern","default_branch":"main","url":"https://knot.example.org/did:plc:one/lantern"},"git_ref":"refs/heads/main","sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ref_type":"branch","ref_name":"main","branch":"main","clone":{},"line":"did:plc:one/lantern refs/heads/main","env":{"CI":"true","TANGLED_PIPELINE_ID":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k22","TANGLED_PIPELINE_KIND":"push","TANGLED_REPO_KNOT":"knot.example.org","TANGLED_REPO_DID":"did:plc:one","TANGLED_REPO_NAME":"lantern","TANGLED_REPO_DEFAULT_BRANCH":"main","TANGLED_REPO_URL":"https://knot.example.org/did:plc:one/lantern","TANGLED_REF":"refs/heads/main","TANGLED_REF_NAME":"main","TANGLED_REF_TYPE":"branch","TANGLED_SHA":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TANGLED_COMMIT_SHA":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TACK_KNOT":"knot.example.org","TACK_PIPELINE_RKEY":"3mtj73ais6k22","TACK_WORKFLOW":"ci.yml","TACK_ACTOR":"did:plc:one","TACK_COMMIT":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TACK_BRANCH":"main"},"options":{"pipeline":"ci"},"workflow":{"tack":{"buildkite":{"pipeline":"ci"}}}}','did:plc:one/lantern refs/heads/main',1795819917,NULL,0,1,NULL,NULL,NULL);
INSERT INTO build VALUES(12,'buildkite','3925ac23-31e8-4f48-a684-499306300ed7','knot.example.org','3mtj73ais6k23','ci.yml',1,'2','acme','ci','https://buildkite.com/acme/ci/builds/2','{"ref":{"knot":"knot.example.org","pipeline_rkey":"3mtj73ais6k23","workflow":"ci.yml","pipeline_uri":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k23","attempt":1},"kind":"push","repo":{"knot":"knot.example.org","did":"did:plc:two","name":"lantern","default_branch":"main","url":"https://knot.example.org/did:plc:two/lantern"},"git_ref":"refs/heads/main","sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ref_type":"branch","ref_name":"main","branch":"main","clone":{},"line":"did:plc:two/lantern refs/heads/main","env":{"CI":"true","TANGLED_PIPELINE_ID":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k23","TANGLED_PIPELINE_KIND":"push","TANGLED_REPO_KNOT":"knot.example.org","TANGLED_REPO_DID":"did:plc:two","TANGLED_REPO_NAME":"lantern","TANGLED_REPO_DEFAULT_BRANCH":"main","TANGLED_REPO_URL":"https://knot.example.org/did:plc:two/lantern","TANGLED_REF":"refs/heads/main","TANGLED_REF_NAME":"main","TANGLED_REF_TYPE":"branch","TANGLED_SHA":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TANGLED_COMMIT_SHA":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TACK_KNOT":"knot.example.org","TACK_PIPELINE_RKEY":"3mtj73ais6k23","TACK_WORKFLOW":"ci.yml","TACK_ACTOR":"did:plc:two","TACK_COMMIT":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TACK_BRANCH":"main"},"options":{"pipeline":"ci"},"workflow":{"tack":{"buildkite":{"pipeline":"ci"}}}}','did:plc:two/lantern refs/heads/main',1795819918,NULL,0,1,NULL,NULL,NULL);
INSERT INTO build VALUES(13,'buildkite',NULL,'knot.example.org','3mtj73ais6k24','ci.yml',1,NULL,'acme','nothere',NULL,'{"ref":{"knot":"knot.example.org","pipeline_rkey":"3mtj73ais6k24","workflow":"ci.yml","pipeline_uri":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k24","attempt":1},"kind":"push","repo":{"knot":"knot.example.org","did":"did:plc:one","name":"lantern","default_branch":"main","url":"https://knot.example.org/did:plc:one/lantern"},"git_ref":"refs/heads/main","sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ref_type":"branch","ref_name":"main","branch":"main","clone":{},"line":"did:plc:one/lantern refs/heads/main","env":{"CI":"true","TANGLED_PIPELINE_ID":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k24","TANGLED_PIPELINE_KIND":"push","TANGLED_REPO_KNOT":"knot.example.org","TANGLED_REPO_DID":"did:plc:one","TANGLED_REPO_NAME":"lantern","TANGLED_REPO_DEFAULT_BRANCH":"main","TANGLED_REPO_URL":"https://knot.example.org/did:plc:one/lantern","TANGLED_REF":"refs/heads/main","TANGLED_REF_NAME":"main","TANGLED_REF_TYPE":"branch","TANGLED_SHA":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TANGLED_COMMIT_SHA":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TACK_KNOT":"knot.example.org","TACK_PIPELINE_RKEY":"3mtj73ais6k24","TACK_WORKFLOW":"ci.yml","TACK_ACTOR":"did:plc:one","TACK_COMMIT":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TACK_BRANCH":"main"},"options":{"pipeline":"nothere"},"workflow":{"tack":{"buildkite":{"pipeline":"nothere"}}}}','did:plc:one/lantern refs/heads/main',1795819919,NULL,0,1,'failed','Buildkite: No pipeline found; check the names of organization and pipeline, and that the token''s user may see them',NULL);
INSERT INTO build VALUES(14,'buildkite',NULL,'knot.example.org','3mtj73ais6k25','ci.yml',1,NULL,'acme','ci',NULL,'{"ref":{"knot":"knot.example.org","pipeline_rkey":"3mtj73ais6k25","workflow":"ci.yml","pipeline_uri":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k25","attempt":1},"kind":"push","repo":{"knot":"knot.example.org","did":"did:plc:one","name":"lantern","default_branch":"main","url":"https://knot.example.org/did:plc:one/lantern"},"git_ref":"refs/heads/main","sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ref_type":"branch","ref_name":"main","branch":"main","clone":{},"line":"did:plc:one/lantern refs/heads/main","env":{"CI":"true","TANGLED_PIPELINE_ID":"at://did:web:knot.example.org/sh.tangled.pipeline/3mtj73ais6k25","TANGLED_PIPELINE_KIND":"push","TANGLED_REPO_KNOT":"knot.example.org","TANGLED_REPO_DID":"did:plc:one","TANGLED_REPO_NAME":"lantern","TANGLED_REPO_DEFAULT_BRANCH":"main","TANGLED_REPO_URL":"https://knot.example.org/did:plc:one/lantern","TANGLED_REF":"refs/heads/main","TANGLED_REF_NAME":"main","TANGLED_REF_TYPE":"branch","TANGLED_SHA":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TANGLED_COMMIT_SHA":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TACK_KNOT":"knot.example.org","TACK_PIPELINE_RKEY":"3mtj73ais6k25","TACK_WORKFLOW":"ci.yml","TACK_ACTOR":"did:plc:one","TACK_COMMIT":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","TACK_BRANCH":"main"},"options":{"pipeline":"ci"},"workflow":{"tack":{"buildkite":{"pipeline":"ci"}}}}','did:plc:one/lantern refs/heads/main',1795819920,1795819920,1795819926,1,NULL,'Buildkite: Internal Server Error',NULL);
CREATE TABLE budget (
	account TEXT PRIMARY KEY,
	tokens INTEGER NOT NULL,
	at INTEGER NOT NULL,
	until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO budget VALUES('buildkite/BUILDKITE_TOKEN',37700,1795819920831,0);
CREATE TABLE poll (
	account TEXT PRIMARY KEY,
	at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('event',1795819919631541107);
CREATE INDEX intent ON build (id)
WHERE build_id IS NULL AND verdict IS NULL;
CREATE INDEX build_line ON build (line, workflow)
WHERE line IS NOT NULL;
CREATE VIEW run AS
SELECT id, provider, build_id, knot, pipeline_rkey, workflow, attempt,
    number, org, pipeline, web_url, task, line, created_at AS begun_at,
    sent_at, not_before, tries, verdict, reason, missing_at
FROM build
WHERE attempt = (SELECT max(attempt) FROM build AS b
    WHERE b.knot = build.knot AND b.pipeline_rkey = build.pipeline_rkey
    AND b.workflow = build.workflow);
COMMIT;
PRAGMA user_version=2;
PRAGMA application_id=1952539499;
