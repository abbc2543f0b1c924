#!/bin/sh
# SPDX-License-Identifier: ISC
# Buildkite's call.jq alone: what is asked, and what an answer means. One jq
# process: call.jq becomes a function, facts.jq are the facts about it.
. "${0%/*}/lib.sh"

cd "$DATA/buildkite" || exit
for f in rest-errors/*.http; do
	name=${f#*/}
	jq -Rs --arg name "${name%.http}" '{ ($name): . }' "$f"
done | jq -s add >"$TMP/http.json"
jq -n 'reduce inputs as $build ({}; .[input_filename | rtrimstr(".json")] = $build)' \
    rest-*.json >"$TMP/rest.json"
cd "$TMP" || exit

cat >facts.jq <<'END'
def base: {
	api: "https://api.buildkite.com", config: { org: "acme" },
	task: {
		ref: { knot: "knot1.example.org", pipeline_rkey: "3lxk4q2vw7c22",
			workflow: "ci.yml", attempt: 1 },
		kind: "push", sha: "f048e22201d64571b0c84b7f7a0d02b13b963fc1",
		branch: "main", ref_name: "main",
		repo: { url: "https://knot1.example.org/did:plc:x/server",
			default_branch: "main" },
		env: { CI: "true", TANGLED_SHA: "f048e22", TACK_REF: "tack1.a.b" },
		options: { pipeline: "ci" }
	},
	ref: { knot: "knot1.example.org", pipeline_rkey: "3lxk4q2vw7c22",
		workflow: "ci.yml" },
	build: { id: "01a03692-c579-470f-83be-4017028845cb", number: "1207",
		org: "acme-forge", pipeline: "tangled-ci" },
	since: "2026-08-24T13:01:34.114Z", step: "01a039bc", offset: 0
};
def ask($verb; change): base | change | .verb = $verb | call;
def ask($verb): ask($verb; .);
def hear($verb; change; $answer):
	base | change | .verb = $verb | .request = (.request // first(call))
	| .answer = { headers: {} } + $answer | call;
def hear($verb; $answer): hear($verb; .; $answer);
def http($name):
	$http[0][$name] | gsub("\r"; "") | index("\n\n") as $cut
	| (.[:$cut] / "\n") as $head | .[$cut + 2:] as $body
	| {
		status: ($head[0] / " " | .[1] | tonumber),
		headers: ($head[1:] | map(capture("^(?<key>[^:]+): *(?<value>.*)")
			| .key |= ascii_downcase) | from_entries),
		body: (try ($body | fromjson) catch $body)
	};
def rest($name): { status: 200, body: $rest[0]["rest-" + $name] };
def fact($name; $want; got):
	[try got catch "fault: \(.)"]
	| @sh "is \($name) \($want | tojson) \((if length == 1 then .[0] else . end) | tojson)";
def b: "https://api.buildkite.com/v2/organizations/acme-forge/pipelines/tangled-ci/builds";
def sent: "\(.method) \(.url)";

# plan: the options
fact("a plan names organization and pipeline";
	{ build: { org: "acme", pipeline: "ci" } }; ask("plan")),
fact("an organization in the file comes first"; "other";
	ask("plan"; .task.options.org = "other") | .build.org),
fact("a pipeline is wanted";
	"tack.buildkite.pipeline is missing: name the slug of the pipeline to build";
	ask("plan"; .task.options = null) | .error),
fact("an organization is wanted";
	"tack.buildkite.org is missing: name the organization there or in TACK_BUILDKITE_ORG";
	ask("plan"; .config = {}) | .error),
fact("an unknown option is named, and the known ones";
	"tack.buildkite: no such option: pipelin; there are org, pipeline, branch, commit, message, env, metadata, author, clean_checkout, ignore_branch_filters";
	ask("plan"; .task.options.pipelin = "x") | .error),
fact("an option of a wrong kind is named";
	["message", "env", "env", "metadata", "author", "author",
	"clean_checkout", "ignore_branch_filters"];
	({ message: ["x"] }, { env: "A=1" }, { env: { A: [] } }, { metadata: [] },
	{ author: { login: "x" } }, { author: 1 }, { clean_checkout: "yes" },
	{ ignore_branch_filters: 1 }) as $wrong
	| ask("plan"; .task.options += $wrong) | .error
	| capture("^tack\\.buildkite\\.(?<o>[a-z_]+): .* is wanted$").o),
fact("options that are no object"; "tack.buildkite: an object is wanted";
	ask("plan"; .task.options = []) | .error),
fact("our keys of metadata are reserved";
	"tack.buildkite.metadata: tack:knot is reserved";
	ask("plan"; .task.options.metadata["tack:knot"] = "evil") | .error),

# create
fact("a create is one POST, the token to be filled in";
	{
		method: "POST",
		url: "https://api.buildkite.com/v2/organizations/acme/pipelines/ci/builds",
		headers: { Authorization: "Bearer {secret}", Accept: "application/json",
			"Content-Type": "application/json" },
		secret: ["BUILDKITE_TOKEN_ACME", "BUILDKITE_TOKEN"]
	}; ask("create") | del(.body)),
fact("its body when the file says nothing";
	{
		commit: "f048e22201d64571b0c84b7f7a0d02b13b963fc1", branch: "main",
		env: { CI: "true", TANGLED_SHA: "f048e22", TACK_REF: "tack1.a.b" },
		meta_data: { "tack:knot": "knot1.example.org",
			"tack:pipeline_rkey": "3lxk4q2vw7c22", "tack:workflow": "ci.yml" },
		ignore_pipeline_branch_filters: true
	}; ask("create") | .body),
fact("every option arrives";
	{
		commit: "v1", branch: "b", message: "m",
		author: { name: "N", email: "n@x" }, env: { A: "1", B: "true", C: "" },
		meta_data: { k: "2" }, ignore_pipeline_branch_filters: false,
		clean_checkout: true
	};
	ask("create"; .task.env = {} | .task.options += {
		commit: "v1", branch: "b", message: "m",
		author: { name: "N", email: "n@x" }, env: { A: 1, B: true, C: null },
		metadata: { k: 2 }, ignore_branch_filters: false, clean_checkout: true
	}) | .body | del(.meta_data["tack:knot", "tack:pipeline_rkey", "tack:workflow"])),
fact("the seal travels as metadata"; "tack1.x.y";
	ask("create"; .task.seal = "tack1.x.y") | .body.meta_data["tack:ref"]),
fact("the file cannot forge our environment";
	{ CI: "no", TANGLED_SHA: "f048e22", TACK_REF: "tack1.a.b", A: "1" };
	ask("create"; .task.options.env = { CI: "no", TANGLED_SHA: "evil",
		TACK_REF: "evil", TACK_KNOT: "evil", TANGLED_PR_ACTION: "evil", A: 1 })
	| .body.env),
({ kind: "pull_request", pull: { target_branch: "main" } } as $pull
| def facts: .body | with_entries(select(.key | startswith("pull_")));
{
	pull_request_base_branch: "main",
	pull_request_repository: "https://knot1.example.org/did:plc:x/server"
} as $known
| fact("a pull request brings its facts";
	[{ pull_request_id: 7 } + $known, { pull_request_id: 8 } + $known];
	ask("create"; .task += $pull | .task.pull.id = (7, "8")) | facts),
fact("a pull request whose id is no integer has none";
	[$known, $known, $known, $known];
	ask("create"; .task += $pull | .task.pull.id = ("at://x", 1.5, null, "1e3"))
	| facts)),
fact("without a branch the default one is named"; ["trunk", "main"];
	ask("create"; .task.branch = null | .task.ref_name = ""
		| .task.repo.default_branch = ("trunk", null)) | .body.branch),

# names that strangers chose
fact("a name stays one piece of the path";
	"https://api.buildkite.com/v2/organizations/a%2F..%2Fb%3Fx%23%C3%A9/pipelines/%252E./builds";
	ask("create"; .task.options += { org: "a/../b?x#é", pipeline: "%2E." }) | .url),
fact("no name climbs or is empty"; [range(12) | ["error"]];
	(".", "..", "") as $name
	| ask("plan", "create"; .task.options.pipeline = $name),
		ask("get", "log"; .build.org = $name) | keys),
fact("a number that is none is not asked for";
	[range(4) | "the build's number is not known"];
	ask("get"; .build.number = ("1/../2", "", "-1", null)) | .error),
fact("nor a step that climbs"; ["error"]; [ask("log"; .step = "..") | keys[]]),
fact("a hostile branch is only JSON"; "a\"b\n{secret}";
	ask("create"; .task.branch = "a\"b\n{secret}") | .body.branch),
fact("the name of a token stays a name"; "BUILDKITE_TOKEN_A___B_";
	ask("create"; .task.options.org = "a=/\nb\u0000") | .secret[0]),
fact("no organization makes a path be taken for a token"; ["BUILDKITE_TOKEN"];
	ask("create"; .task.options.org = "acme-file") | .secret),

# the other requests
fact("find asks for the metadata since then";
	"GET https://api.buildkite.com/v2/organizations/acme/pipelines/ci/builds?created_from=2026-08-24T13%3A01%3A34.114Z&exclude_jobs=true&exclude_pipeline=true&per_page=100&meta_data%5Btack%3Apipeline_rkey%5D=3lxk4q2vw7c22";
	ask("find") | sent),
fact("its value is encoded"; "=a%26b%23%20%C3%A9";
	ask("find"; .ref.pipeline_rkey = "a&b# é") | .url | .[-18:]),
fact("a rebuild is looked for where its parent is";
	"GET \(b)?created_from=2026-08-24T13%3A01%3A34.114Z&exclude_jobs=true&exclude_pipeline=true&per_page=100";
	ask("find"; .parent = .build | del(.task)) | sent),
fact("get leaves out what is not needed";
	"GET \(b)/1207?exclude_pipeline=true&job_states%5B%5D=failed&job_states%5B%5D=timed_out&job_states%5B%5D=expired";
	ask("get") | sent),
fact("list is two requests an organization";
	["a/builds?finished_from=2026-08-24T13%3A01%3A34.114Z",
	"a/builds?state%5B%5D=creating&state%5B%5D=scheduled&state%5B%5D=running&state%5B%5D=failing&state%5B%5D=canceling&state%5B%5D=blocked",
	"b%2Fc/builds?finished_from=2026-08-24T13%3A01%3A34.114Z",
	"b%2Fc/builds?state%5B%5D=creating&state%5B%5D=scheduled&state%5B%5D=running&state%5B%5D=failing&state%5B%5D=canceling&state%5B%5D=blocked"];
	ask("list"; .builds = [{ org: "b/c" }, { org: "a" }, { org: "a" },
		{ org: null }, { org: ".." }])
	| .url | ltrimstr("https://api.buildkite.com/v2/organizations/")
	| rtrimstr("&exclude_jobs=true&exclude_pipeline=true&per_page=100")),
fact("cancel, rebuild, retry";
	["PUT \(b)/1207/cancel null", "PUT \(b)/1207/rebuild null",
	"PUT \(b)/1207/retry_failed_jobs {\"states\":\"failed,timed_out\"}"];
	ask("cancel", "rebuild", "retry") | "\(sent) \(.body)"),
fact("a log is asked by its end";
	["bytes=-1048576", "bytes=-65536", "bytes=-900"];
	({ offset: 0 }, { offset: 9 }, { offset: 100, total: 1000 }) as $from
	| ask("log"; . + $from) | .headers.Range),
fact("as text"; "\(b)/1207/jobs/01a039bc/log text/plain";
	ask("log") | "\(.url) \(.headers.Accept)"),
fact("the base of all requests can be another";
	"http://127.0.0.1:1/v2/organizations/acme/pipelines/ci/builds";
	ask("create"; .api = "http://127.0.0.1:1") | .url),
fact("another verb"; "Buildkite cannot unblock"; ask("unblock") | .error),

# answers
fact("a build that was created";
	{ id: "01a03692-c579-470f-83be-4017028845cb", state: "scheduled", number: 1207 };
	hear("create"; rest("build-created")) | .builds[0].build | { id, state, number }),
fact("nothing of its environment, author or pipeline is kept"; false;
	hear("create"; rest("build-created")) | tojson
	| test("TANGLED|maren|webhook_url|configuration|provider")),
fact("a recorded list is a page of builds";
	($rest[0]["rest-builds-list"] | map(.id));
	hear("list"; .builds = [{ org: "acme-forge" }]; rest("builds-list"))
	| [.builds[].build.id]),
fact("the next page is followed, through our base";
	["http://p:1/v2/organizations/acme-forge/pipelines/tangled-ci/builds?exclude_jobs=true&per_page=2&state%5B%5D=running&page=3",
	["BUILDKITE_TOKEN_ACME", "BUILDKITE_TOKEN"], 35];
	hear("find"; .api = "http://p:1"; http("200-link-pages"))
	| [.next.url, .next.secret, .remaining]),
(def link($text): hear("find"; { status: 200, headers: { link: $text }, body: [] })
	| .next.url // .error // "none";
"https://api.buildkite.com/v2/" as $v2
| fact("a Link in any order and spelling";
	["b?page=2", "b?x=1,2", "b", "b"] | map($v2 + .);
	link("<\($v2)z>; rel=\"last\", <\($v2)b?page=2>; rel=\"next\"",
	"<\($v2)b?x=1,2>; title=\"a, b\"; rel=next, <\($v2)z>; rel=last",
	"<\($v2)b>;REL=\"next\"", "<\($v2)b>; rel=\"prev next\"")),
fact("a Link without a next, none at all"; ["none", "none", "none"];
	link("<\($v2)z>; rel=\"last\"", "<\($v2)z>; rel=\"nextish\"", "")),
fact("a next page on another host is refused";
	[range(3) | "Buildkite: the next page is on another host"];
	link("<https://evil.example/v2/b>; rel=\"next\"",
	"<https://api.buildkite.com.evil.example/b>; rel=\"next\"",
	"<https://api.buildkite.com@evil.example/b>; rel=next"))),

fact("401: the token";
	"Buildkite: Authentication required. Please supply a valid API Access Token: https://buildkite.com/docs/apis/rest-api#authentication; renew the token in TACK_BUILDKITE_TOKEN_FILE";
	hear("create"; http("401-bad-token")) | .error),
fact("403: the scope";
	["write_builds", "read_builds", "read_build_logs"]
	| map("Buildkite: Forbidden; the token needs the scope \(.), and its user the right");
	hear("rebuild", "get", "log"; http("403-forbidden")) | .error),
fact("404: the name, or the right to see it";
	"Buildkite: No pipeline found; check the names of organization and pipeline, and that the token's user may see them";
	hear("create"; http("404-no-pipeline")) | .error),
fact("404 to get: gone"; { gone: "Buildkite: No pipeline found", remaining: 35 };
	hear("get"; http("404-no-pipeline"))),
fact("404 and 416 to a log: nothing yet"; [{}, {}];
	hear("log"; http("404-no-job") | del(.headers)), hear("log"; { status: 416 })),
fact("422: the CI has the word";
	["Buildkite: Branches have been disabled for this pipeline; drop ignore_branch_filters: false",
	"Buildkite: Validation Failed: commit missing_field",
	"Buildkite: Jobs from canceled builds cannot be retried"];
	(hear("create"; http("422-branches-disabled", "422-validation")),
	hear("retry"; http("422-retry-canceled"))) | .error),
fact("400: no repeat";
	"Buildkite: Listing builds this deep is not supported. Please narrow your query using filters such as branch or created_from.";
	hear("find"; http("400-too-deep")) | .error),
fact("429 of the organization, of the user: its own header";
	[{ wait: 9, remaining: 0 }, { wait: 42, remaining: 0 }];
	hear("create"; http("429-org", "429-user"))),
(def wait($headers; $body):
	hear("create"; { status: 429, headers: $headers, body: $body }) | .wait;
fact("429 without its header: the body; without both: a minute"; [17, 60, 60];
	wait({}; { scope: "rest_user", reset: 17 }, {}, "<html>")),
fact("429 without a scope: the longer of the two"; 42;
	wait({ "ratelimit-reset": "17", "ratelimit-user-reset": "42" }; {})),
fact("429 of both: the longer of the two"; 42;
	wait({ "ratelimit-reset": "42", "ratelimit-remaining": "0",
		"ratelimit-user-reset": "17" }; { scope: "rest_user" })),
fact("429 for an hour, for nothing, for nonsense: two minutes, a second, a minute";
	[120, 1, 60];
	wait({ "ratelimit-reset": ("3600", "0", "soon") }; { scope: "rest" })),
fact("429 with Retry-After"; 30; wait({ "retry-after": "30" }; {}))),
fact("HTML of a proxy, half an answer, none: nobody knows";
	["HTTP 502", "the answer is no build", "the answer is no build", "the list is not one"]
	| map("Buildkite: " + .);
	(hear("create"; http("502-html")),
	hear("create"; { status: 201, body: "{\"id\": \"01a0" }),
	hear("get", "find"; { status: 200, body: "" })) | .unsure),
fact("a message becomes one line"; "Buildkite: a b ]0;x";
	hear("create"; { status: 422, body: { message: "a\nb\u001b]0;x" } }) | .error),

# a cancel that comes too late; a retry
({ status: 422, body: { message: "Build can no longer be canceled" } } as $late
| hear("cancel"; $late) as $after
| fact("a refused cancel asks for the build"; ["GET \(b)/1207", []];
	$after | [(.next | sent | .[:index("?")]), .builds]),
fact("it has ended: well. It has not: the refusal";
	["passed", "canceled", "Buildkite: Build can no longer be canceled"];
	hear("cancel"; .request = $after.next;
		{ status: 200, body: { id: "x", state: ("passed", "canceled", "running") } })
	| .error // .builds[0].build.state)),
(hear("retry"; { status: 202, body: { retried_jobs_count: 1 } }) as $after
| fact("a retry asks for the build"; "GET \(b)/1207";
	$after | .next | sent | .[:index("?")]),
fact("and answers with it"; "running";
	hear("retry"; .request = $after.next;
		{ status: 200, body: { id: "x", state: "running" } })
	| .builds[0].build.state)),

# steps
fact("steps are the jobs with a log: no waiter, gate, trigger or broken one";
	[":pipeline: Upload/ended/0/system", ":go: unit tests (retry 1)/ended/0/null",
	":nix: build/ended/0/null", ":lint: optional lint/ended/3/null"];
	hear("steps"; rest("build-passed")) | .steps[]
	| "\(.name)/\(.state)/\(.exit)/\(.kind)"),
fact("a step that waits";
	[{ id: "01a039bc-a6a9-4ea1-b020-7f62e005d86a", name: ":pipeline: Upload",
	command: "buildkite-agent pipeline upload .buildkite/pipeline.yml",
	state: "pending", kind: "system" }];
	hear("steps"; rest("build-created")) | .steps),
fact("a build of 293 jobs, in their order";
	($rest[0]["rest-build-large"].jobs | map(select(.type == "script").id));
	hear("steps"; rest("build-large")) | [.steps[].id])
END
{
	echo 'def call:'
	cat "$TOP/share/providers/buildkite/call.jq"
	echo ';'
	cat facts.jq
} >all.jq
jq -nr --slurpfile http http.json --slurpfile rest rest.json -f all.jq >facts
ok 'the program runs' test -s facts
. ./facts

# What is kept of a build must still read as it did.
{
	sed '/^# plan: the options/,$d' all.jq
	cat <<'END'
$rest[0] | keys[] | select(test("^rest-build-[^.]*$")) as $key
| hear("get"; rest($key | ltrimstr("rest-"))) | .builds[0]
| .build.id = $key | .build.meta_data["tack:pipeline_rkey"] = $key
| { provider: "buildkite", event: "poll", payload: . }
END
} >kept.jq
tack-init -d read.db
is 'what is kept of recorded builds reads as they do' \
    "$(jq -r 'to_entries[] | select(.key | test("^rest-build-.*expect"))
	| "\(.key | rtrimstr(".expect")) \(.value.status)"' rest.json)" \
    "$(jq -nc --slurpfile http http.json --slurpfile rest rest.json -f kept.jq |
	tack-resolve -d read.db | jq -r '"\(.ref.pipeline_rkey) \(.build.status)"')"

done_testing
