# SPDX-License-Identifier: ISC
# A sh.tangled.pipeline record, of 2025 or 2026, to a task for each of its
# workflows. In: {rkey, nsid, event, source, dev}, as a knot's /events says it,
# source being the knot it came from. Out: a task each (tack-provider(5)), with
# raw, the workflow's text, or with error, why it cannot start; or one
# {malformed} or {ignored}, with a reason, for the whole record.

# The first that there is of something, or null.
def one(f): (try first(f) catch null) // null;

def text: strings | select(length > 0
	and (explode | all(.[]; . > 31 and . != 127)));
def sha: strings | select(test("^([0-9a-f]{40}|[0-9a-f]{64})$"));
def filled: with_entries(select(.value != null));

# A knot may name its scheme; where it stands, the host is its name.
def knot: text | sub("^https?://"; "")
	| select(test("^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$"));

def did: text | select(test("^did:[a-z]+:[A-Za-z0-9._:%-]+$"));

def word: . == "." or . == "..";
def name: text | select(test("/") or word | not);

# Who wrote a pull request: the account whose repository holds its record.
def author: text
	| capture("^at://(?<did>did:[a-z]+:[A-Za-z0-9._:%-]+)/sh\\.tangled\\.repo\\.pull/[A-Za-z0-9._~:-]+$")
	| .did | did;

# What the trigger's kind has to say.
def trigger:
	if .kind == "push" then
		.push as $p | ($p.ref | text) as $ref
		| { git_ref: $ref, sha: $p.newSha,
			ref_type: (if $ref | startswith("refs/tags/")
			    then "tag" else "branch" end),
			ref_name: ($ref | sub("^refs/(heads|tags)/"; "")) }
		| .branch = .ref_name
	elif .kind == "pull_request" then
		.pullRequest as $p
		| { sha: $p.sourceSha, branch: ($p.sourceBranch | text),
			pull: ({ source_branch: $p.sourceBranch,
				target_branch: $p.targetBranch,
				source_sha: $p.sourceSha, action: $p.action,
				id: $p.pull } | filled) }
	elif .kind == "manual" then
		(.manual // {}) as $m
		| ((one($m.ref | text) // .repo.defaultBranch)
			| strings) as $ref
		| { sha: ($m.sha // "HEAD"), git_ref: $ref,
			ref_type: (if $ref | startswith("refs/tags/")
			    then "tag" else "branch" end),
			ref_name: ($ref | sub("^refs/(heads|tags)/"; "")) }
		| .branch = .ref_name
		| .inputs = (($m.inputs // [])
			| map({ (.key | tostring): (.value | tostring) }) | add // {})
	else empty end;

def repo($dev):
	(if $dev and ((.knot | startswith("http://"))
		or (.knot | test("^(localhost|127\\.|\\[::1\\])")))
	    then "http" else "https" end) as $scheme
	| one(.repoDid | did) as $repo_did
	| { knot: (.knot | knot), did: (.did | did),
		name: one(.repo | name), repo_did: $repo_did,
		default_branch: one(.defaultBranch | text) }
	| select($repo_did != null or .name != null)
	| .url = "\($scheme)://\(.knot)/" +
		($repo_did // "\(.did)/\(.name | @uri)")
	| filled;

# Whose code it is. A pull request is a stranger's, whatever it says of itself,
# and so is what another repository is named for; neither is on a branch of ours.
def origin($repo; $meta):
	[$meta, $meta[] | objects | .sourceRepo
		| select(. != null and . != "" and . != $repo.repo_did)] as $forks
	| ($forks != []) as $fork
	| if $fork or .pull != null then
		one(.pull.id | author) as $author
		| .from_other = true
		| .branch = "\($author // "fork"):\(.branch)"
		| if $author != null then .author = $author else . end
		| if $fork then .from_fork = true | .fork = " \($forks | tojson)"
		else . end
	else . end;

# Inputs become variables, so their names must be able to.
def inputs: with_entries(
	(.key | ascii_upcase | gsub("-"; "_")) as $name
	| if $name | test("^[A-Z_][A-Z0-9_]*$") then .key = "TANGLED_INPUT_" + $name
	else error("input \(.key | tojson): letters, digits, _ and - make a name")
	end);

def environment:
	. as $t
	| {
		CI: "true",
		TANGLED_PIPELINE_ID: .ref.pipeline_uri,
		TANGLED_PIPELINE_KIND: .kind,
		TANGLED_REPO_KNOT: .repo.knot,
		TANGLED_REPO_DID: .repo.did,
		TANGLED_REPO_REPO_DID: .repo.repo_did,
		TANGLED_REPO_NAME: .repo.name,
		TANGLED_REPO_DEFAULT_BRANCH: .repo.default_branch,
		TANGLED_REPO_URL: .repo.url,
		TANGLED_REF: .git_ref,
		TANGLED_REF_NAME: .ref_name,
		TANGLED_REF_TYPE: .ref_type,
		TANGLED_SHA: .sha,
		TANGLED_COMMIT_SHA: .sha,
		TANGLED_PR_SOURCE_BRANCH: .pull.source_branch,
		TANGLED_PR_TARGET_BRANCH: .pull.target_branch,
		TANGLED_PR_SOURCE_SHA: .pull.source_sha,
		TACK_KNOT: .ref.knot,
		TACK_PIPELINE_RKEY: .ref.pipeline_rkey,
		TACK_WORKFLOW: .ref.workflow,
		TACK_ACTOR: (if .from_other then .author else .repo.did end),
		TACK_COMMIT: .sha,
		TACK_BRANCH: .branch
	} + ((.inputs // {}) | inputs)
	| filled;

def task($rkey; $repo; $trigger; $kind):
	. as $w
	| ({
		ref: {
			knot: $repo.knot, pipeline_rkey: $rkey, workflow: $w.name,
			pipeline_uri: "at://did:web:\($repo.knot)/sh.tangled.pipeline/\($rkey)",
			attempt: 1
		},
		kind: $kind, repo: $repo
	} + $trigger)
	| .clone = ($w.clone | objects // {})
	| .line = "\($repo.repo_did // "\($repo.did)/\($repo.name)") " +
		(if .pull.id then "pull/\(.pull.id)"
		elif .pull or .fork then "pull/\(.branch)\(.fork // "")"
		else .git_ref end)
	| del(.fork)
	| . as $task
	| try (.env = environment | .raw = ($w.raw | strings // ""))
		catch { ref: $task.ref, error: . };

. as $in
| if .nsid != null and .nsid != "sh.tangled.pipeline" then
	{ ignored: "not a pipeline record" }
else
	(.event | objects // {}) as $event
	| ($event.triggerMetadata | objects // {}) as $meta
	| ($meta.repo | objects // {}) as $r
	| one(.rkey | text
		| select(test("^[A-Za-z0-9._~:-]{1,512}$") and (word | not))) as $rkey
	| one($r | repo($in.dev)) as $repo
	| one($meta | trigger) as $trigger
	| if $rkey == null then { malformed: "no rkey" }
	elif $meta == {} then { malformed: "no trigger metadata found" }
	elif $r == {} then { malformed: "no repo data found" }
	elif $repo == null then
		{ malformed: "knot, did or repo is not what it should be" }
	elif $in.source != null and one($in.source | knot) != $repo.knot then
		{ malformed: "repo knot does not match event source" }
	elif $trigger == null then { malformed: "no trigger of a known kind" }
	elif ($trigger.sha | tostring | test("^0+$")) then
		{ ignored: "a deletion starts no build" }
	elif [$trigger.sha | sha] == [] and $trigger.sha != "HEAD" then
		{ malformed: "the commit is not a sha" }
	else
		[$event.workflows | arrays[] | objects] as $all
		| if $all == [] then { ignored: "no workflows" }
		elif ($all | length) > 64 then
			{ malformed: "more than 64 workflows; the others are left out" }
		else empty end,
		($all[0:64][]
		| if [.name | name | select(length <= 255)] == []
		then { malformed: "a workflow without a name that can be used" }
		else task($rkey; $repo; $trigger | origin($repo; $meta); $meta.kind)
		end)
	end
end
