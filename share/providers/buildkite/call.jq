# SPDX-License-Identifier: ISC
# Buildkite, called: a verb becomes a request, a request and its answer become
# a result. tack-provider(5) has the contract, tack-buildkite(7) the options.

def fail($why): error({error: $why});

# A stranger's text in one line.
def line: tostring | explode
	| map(if . < 32 or . == 127 then 32 else . end) | implode | .[0:400];

def filled: select(type == "string" and . != "");

### What is asked

def options:
	{
		org: "text", pipeline: "text", branch: "text", commit: "text",
		message: "text", env: "map", metadata: "map", author: "author",
		clean_checkout: "bool", ignore_branch_filters: "bool"
	} as $known
	| def scalar: type | IN("string", "number", "boolean", "null");
	def wanted($what; $kind): fail("tack.buildkite.\($what): \($kind) is wanted");
	def read($name; $kind):
		if $kind == "text" then
			if type | IN("string", "number") then tostring
			else wanted($name; "a text") end
		elif $kind == "bool" then
			if IN(true, "true") then true
			elif IN(false, "false") then false
			else wanted($name; "true or false") end
		elif $kind == "map" then
			if type == "object" and all(.[]; scalar) then
				map_values(if . == null then "" else tostring end)
			else wanted($name; "an object of texts") end
		elif type == "string"
		    or (type == "object" and all(.[]; type == "string")
			and (keys - ["email", "name"] == [])) then .
		else wanted($name; "an object of name and email") end;
	(.task.options // {})
	| if type != "object" then fail("tack.buildkite: an object is wanted") else . end
	| with_entries(select(.value != null)
		| .key as $name
		| if $known[$name] == null then
			fail("tack.buildkite: no such option: \($name | line); there are "
			    + ($known | keys_unsorted | join(", ")))
		else .value |= read($name; $known[$name]) end)
	| ([.metadata // {} | keys[] | select(test("^(tack|buildkite):"))] | first) as $ours
	| if $ours != null then
		fail("tack.buildkite.metadata: \($ours | line) is reserved")
	else . end;

# A stranger's name as one piece of a path.
def piece($name; $remedy):
	if . == null or . == "" then fail("\($name) is missing: \($remedy)")
	elif type != "string" or . == "." or . == ".." then
		fail("\($name): \(line) cannot be one")
	else @uri end;

# Where a build is or will be.
def place($where):
	($where.org | piece("tack.buildkite.org";
		"name the organization there or in TACK_BUILDKITE_ORG")) as $org
	| ($where.pipeline | piece("tack.buildkite.pipeline";
		"name the slug of the pipeline to build")) as $pipeline
	| "/v2/organizations/\($org)/pipelines/\($pipeline)";

# What was planned stays where it was, whatever the environment says later.
def planned: . as $in | options
	| .org = (.org // (.pipeline as $p | $in.build | objects
		| select(.pipeline == $p) | .org) // $in.config.org);

# The organization's own token comes before the common one. A name that ends in
# FILE has none: TACK_BUILDKITE_TOKEN_ACME_FILE is where acme's token is.
def secrets($org):
	($org | ascii_upcase | explode
	| map(if (. >= 65 and . <= 90) or (. >= 48 and . <= 57) then . else 95 end)
	| implode) as $name
	| [if $name | endswith("FILE") then empty else "BUILDKITE_TOKEN_\($name)" end,
		"BUILDKITE_TOKEN"];

def request($org; $method; $path):
	{
		method: $method, url: (.api + $path),
		headers: { Authorization: "Bearer {secret}", Accept: "application/json" },
		secret: secrets($org)
	};

def with_body($body): .headers["Content-Type"] = "application/json" | .body = $body;

def build_path:
	place(.build) + "/builds/"
	+ (.build.number | tostring
		| if test("^[0-9]+$") then . else fail("the build's number is not known") end);

def of_build($method; $rest):
	request(.build.org; $method; build_path + $rest);

# Only what decides between failed and timeout.
def get: of_build("GET"; "?exclude_pipeline=true&job_states%5B%5D=failed"
	+ "&job_states%5B%5D=timed_out&job_states%5B%5D=expired");

def reserved: startswith("TANGLED_") or startswith("TACK_");

def create:
	. as $in | planned as $o | .task as $t | ($t.pull // {}) as $pull
	| request($o.org; "POST"; place($o) + "/builds")
	| with_body({
		commit: (first($o.commit, $t.sha | filled)
			// fail("the task has no commit")),
		branch: (first($o.branch, $t.branch, $t.ref_name,
			$t.repo.default_branch | filled) // "main"),
		message: $o.message,
		author: $o.author,
		env: (($t.env // {}) + (($o.env // {})
			| with_entries(select(.key | reserved | not)))),
		meta_data: (($o.metadata // {}) + {
			"tack:knot": $t.ref.knot,
			"tack:pipeline_rkey": $t.ref.pipeline_rkey,
			"tack:workflow": $t.ref.workflow
		} + if $t.seal != null then { "tack:ref": $t.seal } else {} end),
		ignore_pipeline_branch_filters:
			($o.ignore_branch_filters != false),
		clean_checkout: $o.clean_checkout
	} + if $t.kind == "pull_request" then {
		pull_request_id: (first($pull.id
			| (numbers | select(. == floor)),
				(strings | select(test("^[0-9]{1,15}$")) | tonumber)) // null),
		pull_request_base_branch: (first($pull.target_branch | filled) // null),
		pull_request_repository: (if $t.from_fork then null
			else first($t.repo.url | filled) // null end)
	} else {} end
	| with_entries(select(.value != null)));

# One filter of metadata only: what several mean together is not documented.
# A rebuild has no metadata of ours.
def find:
	(if .parent != null then .parent else planned end) as $where
	| request($where.org; "GET"; place($where)
		+ "/builds?created_from=\(.since | @uri)"
		+ "&exclude_jobs=true&exclude_pipeline=true&per_page=100"
		+ if .parent != null then ""
		else "&meta_data%5Btack%3Apipeline_rkey%5D="
			+ (.ref.pipeline_rkey | @uri) end);

def list:
	. as $in
	| [.builds[].org | filled | select(IN(".", "..") | not)] | unique[] | . as $org
	| ("finished_from=\($in.since | @uri)",
		(["creating", "scheduled", "running", "failing", "canceling", "blocked"]
		| map("state%5B%5D=" + .) | join("&")))
	| . as $filter
	| $in | request($org; "GET"; "/v2/organizations/\($org | @uri)/builds?\($filter)"
		+ "&exclude_jobs=true&exclude_pipeline=true&per_page=100");

# Only suffix ranges are known. The first read is generous, so that most logs
# take one.
def log:
	(if .total != null then .total - .offset
	elif .offset == 0 then 1048576 else 65536 end) as $last
	| of_build("GET"; "/jobs/\(.step.id? // .step | piece("the step"; "a job"))/log")
	| .headers.Accept = "text/plain"
	| .headers.Range = "bytes=-\($last)";

def ask:
	if .verb == "plan" then
		planned as $o | place($o)
		| { build: ($o | { org, pipeline }) }
	elif .verb == "create" then create
	elif .verb == "find" then find
	elif .verb == "get" then get
	elif .verb == "list" then list
	elif .verb == "cancel" then of_build("PUT"; "/cancel")
	elif .verb == "rebuild" then of_build("PUT"; "/rebuild")
	elif .verb == "retry" then of_build("PUT"; "/retry_failed_jobs")
		| with_body({ states: "failed,timed_out" })
	elif .verb == "steps" then
		of_build("GET"; "?exclude_pipeline=true&include_retried_jobs=true")
	elif .verb == "log" then log
	else fail("Buildkite cannot \(.verb | line)") end;

### What is answered

# A build holds other people's secrets: this is all that is taken from it.
def payload:
	{ build: (with_entries(select(.key | IN("id", "number", "url", "web_url",
			"state", "blocked", "blocked_state", "cancel_reason",
			"created_at", "started_at", "finished_at", "rebuilt_from")))
		+ { meta_data: ((.meta_data | objects
			| with_entries(select(.key | startswith("tack:")))) // null) }
		+ if .jobs | type == "array" then { jobs: (.jobs | map(objects
			| { type, state, soft_failed, retried, exit_status })) } else {} end) };

def is_build: type == "object" and (.id | type == "string");

# The rel="next" of a Link header, on Buildkite's own host.
def next_page:
	. as $in
	| first(.answer.headers.link // "" | match("<([^>]*)>([^<]*)"; "g").captures
		| select(.[1].string
			| test(";\\s*rel\\s*=\\s*(\"([^\"]*\\s)?next(\\s[^\"]*)?\"|next\\s*([;,]|$))"; "i"))
		| .[0].string)
	| ("https://api.buildkite.com/", $in.api + "/") as $base
	| select(startswith($base))
	| $in.request + { url: ($in.api + "/" + .[$base | length:]) };

def elsewhere:
	.answer.headers.link // "" | test("rel\\s*=\\s*\"?([^\";,]*\\s)?next\\b"; "i");

def page:
	{ builds: [.answer.body[] | select(is_build) | payload] }
	+ ([limit(1; next_page)] as $next
		| if $next != [] then { next: $next[0] }
		elif elsewhere then fail("Buildkite: the next page is on another host")
		else {} end);

def steps:
	def stage:
		if .state | IN("running", "canceling", "timing_out") then "running"
		elif .state | IN("passed", "failed", "canceled", "timed_out", "expired",
		    "waiting_failed", "blocked_failed", "unblocked_failed") then "ended"
		elif .finished_at != null then "ended" else "pending" end;
	{ steps: [.answer.body.jobs[]? | objects
		| select(.type == "script" and .log_url != null
			and (.state | IN("broken", "skipped") | not))
		| {
			id,
			name: ((first(.name, .label, (.command | strings | split("\n")[0]),
				.step_key, .id | filled) // "")
				+ if (.retries_count // 0) > 0 then " (retry \(.retries_count))"
				else "" end),
			command, state: stage, started_at, finished_at,
			exit: ((.exit_status | numbers) // null),
			kind: ((select(.command | strings
				| startswith("buildkite-agent pipeline upload"))
				| "system") // null)
		}
		| with_entries(select(.value != null))] };

# Retry-After is not documented, but would be meant.
def wait:
	def seconds: tonumber? // empty | select(. >= 0);
	.answer.headers as $h | (.answer.body | objects) // {} | . as $body
	| [(select($body.scope == "rest" or $h["ratelimit-remaining"] == "0"
			or ($body.scope | IN("rest", "rest_user") | not))
		| $h["ratelimit-reset"]),
	(select($body.scope == "rest_user" or $h["ratelimit-user-remaining"] == "0"
			or ($body.scope | IN("rest", "rest_user") | not))
		| $h["ratelimit-user-reset"]),
	$h["retry-after"] | seconds]
	| (max // ($body.reset | seconds) // 60)
	| if . > 120 then 120 elif . < 1 then 1 else ceil end;

def said:
	(.answer.body | objects | [
		(.message | strings),
		(.errors | arrays | .[] | objects | [.field, .code] | map(strings) | join(" "))
	] | join(": ") | line | filled) // "HTTP \(.answer.status)";

def refused($remedy):
	{ error: ("Buildkite: " + said + if $remedy != "" then "; " + $remedy else "" end) };

def scope:
	if .verb == "log" then "read_build_logs"
	elif .request.method == "GET" then "read_builds" else "write_builds" end;

def ended: IN("passed", "failed", "canceled", "skipped", "not_run");

def done:
	.answer.body as $body
	| if .verb | IN("find", "list") then
		if $body | type == "array" then page
		else { unsure: "Buildkite: the list is not one" } end
	elif .verb == "retry" and .request.method == "PUT" then
		{ builds: [], next: get }
	elif $body | is_build | not then { unsure: "Buildkite: the answer is no build" }
	elif .verb == "steps" then steps
	elif .verb == "cancel" and .request.refusal != null
	    and ($body.state | ended | not) then { error: .request.refusal }
	else { builds: [$body | payload] } end;

def heard:
	.answer.status as $code
	| if $code >= 200 and $code < 300 then done
	elif $code == 429 then { wait: wait }
	elif $code >= 500 or $code == 408 then { unsure: "Buildkite: \(said)" }
	elif $code == 401 then
		refused("renew the token in TACK_BUILDKITE_TOKEN_FILE")
	elif $code == 403 then
		refused("the token needs the scope \(scope), and its user the right")
	elif .verb == "log" and ($code == 404 or $code == 416) then {} # not yet
	elif $code == 404 and (.verb | IN("get", "steps")) then { gone: "Buildkite: \(said)" }
	elif $code == 404 then
		refused("check the names of organization and pipeline,"
		    + " and that the token's user may see them")
	# It may just have ended, which is what was wanted.
	elif $code == 422 and .verb == "cancel" and .request.method == "PUT" then
		{ builds: [], next: (get + { refusal: refused("").error }) }
	elif $code == 422 and (said | test("branches have been disabled"; "i")) then
		refused("drop ignore_branch_filters: false")
	else refused("") end;

try (
	if .answer == null then ask
	else
		([.answer.headers["ratelimit-remaining", "ratelimit-user-remaining"]
			| tonumber? // empty] | min) as $left
		| heard | if $left != null then .remaining = $left else . end
	end
) catch if type == "object" and has("error") then . else error(.) end
