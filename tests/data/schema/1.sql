PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO build VALUES(1,'buildkite','01a03692-c579-470f-83be-4017028845cb','knot1.example.org','3lxk4q2vw7c22','ci.yml','1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207');
INSERT INTO build VALUES(2,'buildkite','dump-1','knot1.example.org','3lxk4q2vw7c21','w é 1.yml','1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207');
INSERT INTO build VALUES(3,'buildkite','dump-2','knot1.example.org','3lxk4q2vw7c22','w é 2.yml','1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207');
INSERT INTO build VALUES(4,'buildkite','dump-3','knot1.example.org','3lxk4q2vw7c23','w é 3.yml','1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207');
INSERT INTO build VALUES(5,'buildkite','dump-4','knot1.example.org','3lxk4q2vw7c24','w é 4.yml','1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207');
INSERT INTO build VALUES(6,'buildkite','dump-5','knot1.example.org','3lxk4q2vw7c25','w é 5.yml','1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207');
INSERT INTO build VALUES(7,'buildkite','dump-6','knot1.example.org','3lxk4q2vw7c26','w é 6.yml','1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207');
INSERT INTO build VALUES(8,'buildkite','dump-7','knot1.example.org','3lxk4q2vw7c27','w é 7.yml','1207','acme-forge','tangled-ci','https://buildkite.com/acme-forge/tangled-ci/builds/1207');
INSERT INTO build VALUES(9,'buildkite','bare','k.example:3000','r','it''s "quoted"',NULL,NULL,NULL,NULL);
INSERT INTO build VALUES(10,'buildkite',NULL,'k','intent','w',NULL,NULL,NULL,NULL);
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
INSERT INTO status VALUES('k.example:3000','r','it''s "quoted"','running',1795440186759,-1,-1,0,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c21','w é 1.yml','pending',1795440186323,-1,-1,0,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c22','ci.yml','cancelled',1795440189930,1787576500,1787576527,0,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c22','w é 2.yml','running',1795440186385,-1,-1,0,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c23','w é 3.yml','success',1795440186445,-1,-1,0,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c24','w é 4.yml','failed',1795440186490,-1,-1,0,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c25','w é 5.yml','cancelled',1795440186578,-1,-1,0,0);
INSERT INTO status VALUES('knot1.example.org','3lxk4q2vw7c26','w é 6.yml','running',1795440186635,-1,-1,1,1);
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
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('event',1795440186759277590);
COMMIT;
PRAGMA application_id=1952539499;
PRAGMA user_version=1;
