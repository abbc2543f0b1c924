#!/bin/sh
# SPDX-License-Identifier: ISC
# tack-spawn before a played Buildkite: a build for each workflow, exactly one.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

umask 077
play '{
  "tokens": {
    "bkua_common": {"user": "a", "orgs": ["acme-forge"],
      "scopes": ["write_builds", "read_builds"]},
    "bkua_beta": {"user": "b", "orgs": ["beta"],
      "scopes": ["write_builds", "read_builds"]},
    "bkua_weak": {"user": "c", "orgs": null, "scopes": ["read_builds"]}},
  "orgs": {"acme-forge": ["tangled-ci", "other", "closed"],
    "beta": ["ci"], "weak": ["ci"]},
  "branches_disabled": ["closed"], "cancel": "canceled",
  "limits": {"org": 100000, "user": 100000, "window": 60}}'
echo bkua_common >token
echo bkua_beta >token.beta
echo bkua_weak >token.weak
echo 'a key for seals' >seal
TACK_BUILDKITE_TOKEN_FILE=$TMP/token
TACK_BUILDKITE_TOKEN_BETA_FILE=$TMP/token.beta
TACK_BUILDKITE_TOKEN_WEAK_FILE=$TMP/token.weak
TACK_BUILDKITE_ORG=acme-forge
TACK_SEAL_KEY_FILE=$TMP/seal
TACK_DB_PATH=$TMP/tack.db
cp -R "$TOP/share" .
TACK_SHARE=$TMP/share
export TACK_BUILDKITE_TOKEN_FILE TACK_BUILDKITE_TOKEN_BETA_FILE TACK_SEAL_KEY_FILE \
    TACK_BUILDKITE_TOKEN_WEAK_FILE TACK_BUILDKITE_ORG TACK_DB_PATH TACK_SHARE
jq '.budget = 1000000' "$TOP/share/providers/buildkite/provider.json" \
    >share/providers/buildkite/provider.json
chmod 711 "$TMP" # builds of root's are nobody's, who has to get here
TACK_LOCAL_SANDBOX=none
export TACK_LOCAL_SANDBOX
tack-init

# record RKEY [change]: a push with one workflow, changed. JSON is YAML.
record() {
	jq -nc --arg rkey "$1" "
	def workflow(\$name; \$tack): { name: \$name, engine: \"tack\",
	  clone: { skip: false, depth: 1, submodules: false },
	  raw: ({ when: [{ event: \"push\" }] }
	    + if \$tack != null then { tack: \$tack } else {} end | tojson) };
	def buildkite(\$options): { buildkite: ({ pipeline: \"tangled-ci\" } + \$options) };
	{
	  rkey: \$rkey, nsid: \"sh.tangled.pipeline\", source: \"knot.example.org\",
	  event: {
	    triggerMetadata: {
	      kind: \"push\",
	      push: { newSha: \"6b1f53303a732ccc8c6aae6640399827c15250e3\",
	        oldSha: \"2f22765d04931a078909145ca628d2264c852d7d\", ref: \"refs/heads/main\" },
	      repo: { knot: \"knot.example.org\", did: \"did:plc:ybyha3iyrypyhxvpilnleydk\",
	        repo: \"lantern\", defaultBranch: \"main\" }
	    },
	    workflows: [workflow(\"ci.yml\"; buildkite({}))]
	  }
	} | ${2:-.}"
}
push() {
	record "$@" | within tack-spawn -w 600
}
fault() {
	direct config "{\"faults\": [{\"kind\": \"$1\", \"do\": \"$2\", \"times\": ${3:-1}}]}"
}
# The builds that the CI has of a pipeline.
of() {
	told builds "of_pipeline(\"$1\") | ${2:-length}"
}
# each FILTER [FILE]: a line of each record, sorted.
each() {
	jq -r -L "$TOP/tests" "include \"told\"; $1" "${2:-out}" | LC_ALL=C sort
}
# How many lines there are of each kind: "failed 64".
counted() {
	uniq -c | awk '{ n = $1; $1 = ""; print substr($0, 2), n }'
}
words() {
	tr -d '"' | paste -sd ' '
}
# A build that somebody else makes, of this body.
make_build() {
	curl -s -H 'Authorization: Bearer bkua_common' \
	    -H 'Content-Type: application/json' -d @- \
	    "$api/v2/organizations/acme-forge/pipelines/tangled-ci/builds" \
	    >answer
}
# Once more what was put off, as if its time had come.
again() {
	sqlite3 -cmd '.timeout 600000' tack.db 'UPDATE build SET not_before = 0; DELETE FROM budget'
	within tack-spawn -w 600 -r
}

# a trigger
push three '.event.workflows = [workflow("a.yml", "b.yml", "c.yml"; buildkite({}))]' >out
is 'three workflows are three builds' '["a.yml","b.yml","c.yml"]' \
    "$(of three 'map(workflow) | sort')"
tack-status <out >told
is 'and three records with one status stream each' \
    'a.yml pending published b.yml pending published c.yml pending published' \
    "$(each '"\(.ref.workflow) \(.status.status) \(.outcome)"' told | words)"
push three '.event.workflows = [workflow("a.yml", "b.yml", "c.yml"; buildkite({}))]' >out
is 'the same trigger again starts nothing' '3 3' \
    "$(of three) $(each 'select(.build.number) | stands' | wc -l | tr -d ' ')"
is 'and is nothing new' duplicate "$(tack-status <out | jq -r .outcome | sort -u)"

push where '.event.workflows = [workflow("a"; buildkite({ pipeline: "other" })),
    workflow("b"; buildkite({ org: "beta", pipeline: "ci" }))]' >out
orgs=https://api.buildkite.com/v2/organizations
is 'each goes to its own organization and pipeline' \
    "a $orgs/acme-forge/pipelines/other/builds/1 b $orgs/beta/pipelines/ci/builds/1" \
    "$(of where 'by_workflow(.url)' | tr -d '"')"
is 'with its own token' '{"Bearer bkua_beta":1,"Bearer bkua_common":4}' \
    "$(told counts ".tokens[\"127.0.0.1:$port\"]
	| {\"Bearer bkua_beta\", \"Bearer bkua_common\"}")"

push both '.event.workflows = [workflow("far"; buildkite({})),
    (workflow("here"; null) | .clone.skip = true | .raw = ({ tack: { local: {} },
	steps: [{ name: "x", command: "true" }] } | tojson))]' >out
is 'two CIs serve one push' 'far pending true here pending false' \
    "$(each '"\(stands) \(.build.url // "" | test("buildkite"))"' | words)"
here=$(jq -r 'select(.ref.workflow == "here") | .build.id' out)
passed() {
	tack-local get "$here" | jq -e '.build.state == "passed"'
}
soon 'each by its own means' passed

push crowd '.event.workflows = [range(66) | workflow("w\(.)"; {})]' >out 2>err
is 'of too many workflows the first are taken, and it says that others are not' \
    'failed 64 more than 64 workflows; the others are left out 1' \
    "$(each '.build.status // .reason' | counted | words)"

push two '.event.workflows = [workflow("ci.yml"; buildkite({}) + { local: {} })]' >out 2>err
is 'of two CIs the first is taken, with a warning' '1 1' "$(of two) $(grep -c 'first' err)"

# what cannot start
push wrong '.event.workflows = [
    workflow("a no block"; null), workflow("b no CI"; {}), workflow("c unknown"; { fake: {} }),
    (workflow("d no YAML"; null) | .raw = "tack: [}"),
    workflow("e option"; buildkite({ pipelin: 1 })),
    workflow("f pipeline"; buildkite({ pipeline: "none" })),
    workflow("g branches"; buildkite({ pipeline: "closed", ignore_branch_filters: false })),
    workflow("h scope"; buildkite({ org: "weak", pipeline: "ci" })),
    workflow("z good"; buildkite({}))]' >out 2>err
tack-status <out >told
is 'each says why, and the others start' \
    'a no block failed the workflow has no tack: block that names its CI
b no CI failed the tack: block names no CI
c unknown failed no CI of that name here: fake
d no YAML failed the workflow file: 
e option failed tack.buildkite: no such option: pipelin; there are org, pipeline, branch, commit, message, env, metadata, author, clean_checkout, ignore_branch_filters
f pipeline failed Buildkite: No pipeline found; check the names of organization and pipeline, and that the token'\''s user may see them
g branches failed Buildkite: Branches have been disabled for this pipeline; drop ignore_branch_filters: false
h scope failed Buildkite: Forbidden; the token needs the scope write_builds, and its user the right
z good pending null' \
    "$(each published told | sed '/^d no YAML/s/file: .*/file: /')"
is 'for good' 0 "$(again | wc -l)"
push steering '.event.workflows = [
    workflow("ci.yml"; { "\u001b[31mevil\nline\u202e": {} }),
    workflow("local.yml"; { local: { "\u001b[2J\nx\u0007": 1 } })]' >out
is 'a name in a reason cannot steer a terminal, nor begin a line' \
    '"no CI of that name here: \ufffd[31mevil line\ufffd"
"tack.local: no such option: \ufffd[2J x\ufffd"' \
    "$(tack-status <out | jq -a .status.error | sort)"
push token '.event.workflows = [workflow("ci.yml"; buildkite({}))]' >out
(
	echo bkua_revoked >token
	push revoked >out
	echo bkua_common >token
)
is 'a revoked token' \
    'failed Buildkite: Authentication required. Please supply a valid API Access '\
'Token: https://buildkite.com/docs/apis/rest-api#authentication; renew the '\
'token in TACK_BUILDKITE_TOKEN_FILE' \
    "$(each status_of)"
(
	unset TACK_BUILDKITE_TOKEN_FILE
	push none >out
)
is 'no token' 'failed buildkite is not set up here: set TACK_BUILDKITE_TOKEN_FILE' \
    "$(each status_of)"

# what travels along
is 'metadata names the workflow, and is sealed' \
    '["knot.example.org","token","ci.yml","tack1"]' \
    "$(of token '.[0].meta_data
	| [.["tack:knot", "tack:pipeline_rkey", "tack:workflow"],
	    .["tack:ref"][0:5]]')"
is 'the environment too' 'CI=true
TACK_BRANCH=main
TACK_COMMIT=6b1f53303a732ccc8c6aae6640399827c15250e3
TACK_KNOT=knot.example.org
TACK_PIPELINE_RKEY=token
TACK_REF=true
TACK_WORKFLOW=ci.yml
TANGLED_PIPELINE_ID=at://did:web:knot.example.org/sh.tangled.pipeline/token
TANGLED_PIPELINE_KIND=push
TANGLED_REF=refs/heads/main
TANGLED_REF_NAME=main
TANGLED_REF_TYPE=branch
TANGLED_REPO_DEFAULT_BRANCH=main
TANGLED_REPO_DID=did:plc:ybyha3iyrypyhxvpilnleydk
TANGLED_REPO_KNOT=knot.example.org
TANGLED_REPO_NAME=lantern
TANGLED_REPO_URL=https://knot.example.org/did:plc:ybyha3iyrypyhxvpilnleydk/lantern
TANGLED_SHA=6b1f53303a732ccc8c6aae6640399827c15250e3' \
    "$(of token '.[0] | .env + { TACK_REF: sealed_twice }
	| del(.TACK_ACTOR, .TANGLED_COMMIT_SHA) | variables' | tr -d '"')"
is 'it is the commit, on the branch' \
    '["6b1f53303a732ccc8c6aae6640399827c15250e3","main"]' \
    "$(of token '.[0] | [.commit, .branch]')"
echo 'pull buildkite acme-forge/tangled-ci' >allow
TACK_PULLS=all TACK_ALLOW_FILE=$TMP/allow push pull '.event.triggerMetadata |= (
    .kind = "pull_request" | .pullRequest = { sourceBranch: "feat/x",
	targetBranch: "main", action: "opened",
	sourceSha: "aaaa53303a732ccc8c6aae6640399827c15250e3" })' >out
is 'a pull request brings base, branch and commit' \
    'fork:feat/x aaaa53303a732ccc8c6aae6640399827c15250e3
pull_request feat/x main aaaa53303a732ccc8c6aae6640399827c15250e3' \
    "$(of pull '.[0] | "\(.branch) \(.commit)", (.env | [.TANGLED_PIPELINE_KIND,
	.TANGLED_PR_SOURCE_BRANCH, .TANGLED_PR_TARGET_BRANCH,
	.TANGLED_PR_SOURCE_SHA] | join(" "))' | tr -d '"')"
push tag '.event.triggerMetadata.push |= (.ref = "refs/tags/v1.0" | .oldSha = "0" * 40)' >out
is 'a tag is a tag, and new is well' '["v1.0","tag","refs/tags/v1.0"]' \
    "$(of tag '.[0] | [.branch, .env["TANGLED_REF_TYPE", "TANGLED_REF"]]')"
is 'a deletion starts nothing' '0 ignored' \
    "$(push deleted '.event.triggerMetadata.push.newSha = "0" * 40' >out; of deleted) $(jq -r .outcome out)"
push manual '.event.triggerMetadata |= (.kind = "manual" | .manual = {
    sha: "bbbb53303a732ccc8c6aae6640399827c15250e3", inputs: [{ key: "dry-run", value: "yes" }] })' >out
is 'inputs are variables' '["yes","bbbb53303a732ccc8c6aae6640399827c15250e3"]' \
    "$(of manual '.[0] | [.env.TANGLED_INPUT_DRY_RUN, .commit]')"
is 'no variable that is none' '0 failed' \
    "$(push input '.event.triggerMetadata |= (.kind = "manual" | .manual = {
	inputs: [{ key: "a=b", value: "yes" }] })' >out; of input) $(jq -r .build.status out)"
is 'hostile names arrive as they are' '["a&b#c %2f é\"'"'"'"]' \
    "$(push hostile '.event.workflows = [workflow("a&b#c %2f é\"'"'"'"; buildkite({}))]' >out
	of hostile 'map(workflow)')"

# what the CI does not answer
for f in 429-org 429-user; do
	fault create $f
	push $f '.event.workflows = [workflow("a", "b"; buildkite({}))]' >out
	code=$?
	put_off=$(each .outcome | grep -c deferred | sed 's/[12]/put off/')
	echo "$code $put_off $(again | jq -r .build.status | sort -u) $(of $f)"
done >got
is '429: put off, and one build each' '75 put off pending 2
75 put off pending 2' "$(cat got)"
for f in before after 500 500-after 502 truncated empty; do
	fault create $f
	push $f '.event.workflows = [workflow("a", "b"; buildkite({}))]' >out
	code=$?
	went=$(each '.outcome // "started"' | words)
	echo "$f: $code $went $(again | jq -r .build.status) $(of $f)"
done >got
is 'cut, 500, HTML, half an answer: one build each all the same' \
    'before: 75 deferred started pending 2
after: 75 deferred started pending 2
500: 75 deferred started pending 2
500-after: 75 deferred started pending 2
502: 75 deferred started pending 2
truncated: 75 deferred started pending 2
empty: 75 deferred started pending 2' "$(cat got)"
fault create after
push blind >out
fault list 500 2
again >out
again >out
is 'while the CI cannot say, none is made' '1 deferred' "$(of blind) $(jq -r .outcome out)"
again >out
is 'until it can' '1 pending' "$(of blind) $(jq -r .build.status out)"
for skew in -300 300; do
	direct config "{\"skew\": $skew}"
	fault create after
	push "skew$skew" >out
	again >out
	of "skew$skew"
done >got
is 'nor a second one where the clocks differ by minutes' '1 1' "$(paste -sd ' ' got)"
direct config '{"skew": 0}'
fault create after
push page >out
for i in $(seq 12); do
	jq -n --arg i "$i" '{ commit: "a", branch: "b",
	    meta_data: { "tack:pipeline_rkey": "page", n: $i } }' | make_build
done
again >out
is 'builds of others with one of our names are not ours' '1' \
    "$(jq -e .build.number out >number &&
	of page 'map(select(.meta_data["tack:knot"])) | length')"
fault create 500
push elsewhen >out
TACK_BUILDKITE_ORG=beta again >out
is 'it is tried again where it was planned, whatever the environment says' '1 acme-forge' \
    "$(of elsewhen) $(of elsewhen '.[0].url | split("/")[5]' | tr -d '"')"
fault create after
push deep >out
cp share/providers/buildkite/call.jq call.jq
sed -i 's/per_page=100/per_page=1/' share/providers/buildkite/call.jq
for i in $(seq 21); do
	echo '{"commit": "a", "branch": "b",
	    "meta_data": {"tack:pipeline_rkey": "deep"}}' | make_build
done
again >out
is 'what more builds may hide than can be searched is not made again' '22 deferred' \
    "$(of deep) $(jq -r .outcome out)"
cp call.jq share/providers/buildkite/call.jq
again >out
is 'and is found when they can be' '22 6b1f53303a732ccc8c6aae6640399827c15250e3' \
    "$(of deep) $(of deep '.[0].commit' | tr -d '"')"
fault create after
push forged >out
of forged '.[0].meta_data | .["tack:ref"] = "tack1.forged"' |
    jq -c '{ commit: "evil", branch: "main", meta_data: . }' | make_build
again >out
is 'a build with our names but not our seal is not ours' \
    6b1f53303a732ccc8c6aae6640399827c15250e3 \
    "$(told builds "of_id(\"$(jq -r .build.id out)\").commit" | tr -d '"')"

fault create after
push copied >out
of copied '.[0].meta_data' |
    jq -c '{ commit: "evil", branch: "main", meta_data: . }' | make_build
again >out
is 'of two with our seal the first is ours: the other has it from there' \
    6b1f53303a732ccc8c6aae6640399827c15250e3 \
    "$(told builds "of_id(\"$(jq -r .build.id out)\").commit" | tr -d '"')"

# More than may be asked for at once.
jq '.budget = 10' share/providers/buildkite/provider.json >budget.json
cp share/providers/buildkite/provider.json wide.json
cp budget.json share/providers/buildkite/provider.json
sqlite3 tack.db 'DELETE FROM budget'
began=$(ms)
push many '.event.workflows = [workflow("w\(range(20))"; buildkite({}))]' >out
code=$? spent=$((($(ms) - began) / 1000))
made=$(of many) put_off=$(jq -r 'select(.outcome == "deferred") | .ref.workflow' out | wc -l)
note "$made of 20 builds made in $spent s"
ok 'the budget allows ten, and another each six seconds' \
    [ "$made" -ge 10 -a "$made" -le $((10 + spent / 6)) ]
is 'the others wait' "$([ "$made" -eq 20 ] && echo 0 || echo 75) 20" \
    "$code $((made + put_off))"
again >out
again >out
is 'and is not lost' '20 20' \
    "$(of many) $(of many 'map(workflow) | unique | length')"
cp wide.json share/providers/buildkite/provider.json

# Whoever is slow goes on alone.
record slow '.event.workflows = [workflow("w\(range(18))"; buildkite({}))]' |
    within sh -c 'echo $PPID >group; exec tack-spawn -w 0' >out
is 'each workflow has its record, even if there was no time' '18 deferred' \
    "$(jq -r .ref.workflow out | sort -u | wc -l) $(jq -r .outcome out | sort -u)"
all_gone() {
	! pgrep -g "$(cat group)"
}
until_ok all_gone
had=$(of slow)
again >out
is 'who was begun goes on, the others later' 'true 18' \
    "$([ "$had" -gt 0 ] && echo true) $(of slow)"

# A kill in the one moment that matters: the CI has done it, nobody heard.
fault create late
record killed | tack-spawn -w 600 >out 2>err &
spawn_pid=$!
done_it() {
	[ "$(of killed)" = 1 ]
}
until_ok done_it
starter=$(pgrep -P $spawn_pid)
kill -9 $spawn_pid "$starter"
wait $spawn_pid 2>err
dead() {
	! grep -q '^State:.[^ZX]' "/proc/$starter/status"
}
until_ok dead
is 'killed between create and answer' '1 ' "$(of killed) $(sqlite3 tack.db \
    "SELECT build_id FROM build WHERE pipeline_rkey = 'killed'")"
push killed >out
is 'found, not created again' '1 pending true' \
    "$(of killed) $(each '"\(.build.status) \(.build.id != null)"')"

# cancel: superseded
push old '.event.workflows = [workflow("ci.yml"; { cancel: "superseded" } + buildkite({}))]
    | .event.triggerMetadata.push.ref = "refs/heads/topic"' | tack-status >out
push elsewhere '.event.workflows = [workflow("ci.yml"; { cancel: "superseded" } + buildkite({}))]
    | .event.triggerMetadata.push.ref = "refs/heads/another"' | tack-status >out
had=$(told requests length)
push new '.event.workflows = [workflow("ci.yml"; { cancel: "superseded" } + buildkite({}))]
    | .event.triggerMetadata.push.ref = "refs/heads/topic"' >out
is 'a newer push cancels the older build first, of its branch alone' \
    'canceled scheduled scheduled ["cancel","create"]' \
    "$(for rkey in old elsewhere new; do of $rkey '.[0].state'; done | words
	) $(told requests ".[$had:] | map(.[1])")"

# a webhook before the answer
echo webhook >webhook
TACK_BUILDKITE_WEBHOOK_SECRET_FILE=$TMP/webhook TACK_REQUIRE_SEALED_REF=1 \
    tack-http -l 127.0.0.1:0 2>http.err &
http_pid=$!
trap 'kill "$play_pid" "$http_pid" 2>/dev/null' EXIT
http=$(address http.err)
direct config "{\"webhook\": {\"url\": \"http://$http/webhooks/buildkite\", \"secret\": \"webhook\"}}"
push race | tack-status >out
is 'a webhook that outruns the answer is heard, and the answer no news' \
    '200 duplicate' \
    "$(told hooks 'map(.answers[])[0]') $(jq -r .outcome out)"
is 'one row, complete, one pending' '1 1 1' \
    "$(sqlite3 -separator ' ' tack.db "SELECT count(*), count(build_id),
	count(number) FROM build WHERE pipeline_rkey = 'race'")"
fault create after
push race2 >out
is 'it even tells what a cut connection did not' '1 pending' \
    "$(of race2) $(push race2 | jq -r .build.status)"
kill $http_pid

is 'nothing of a token in what is written' no \
    "$(grep -rlE 'Bearer|bkua' out err told tack.db http.err >leaks && echo yes || echo no)"

# two of the same at once
direct config '{"latency": 0.5}'
push twins >out &
twin=$!
push twins >out.twin
wait "$twin"
direct config '{"latency": 0}'
is 'two that start one build at once make one' 1 "$(of twins)"

# no end of trying
fault create 429-user
push late >/dev/null
fault create before
push lost >/dev/null
sqlite3 tack.db "UPDATE build SET created_at = created_at - 3700
    WHERE pipeline_rkey IN ('late', 'lost')"
fault create 429-user
direct config '{"faults": [{"kind": "create", "do": "429-user"},
    {"kind": "list", "do": "502"}]}'
again >out 2>/dev/null
is 'after an hour it is given up, and says what is not known' \
    'failed: gave up after 60 minutes failed: gave up after 60 minutes, and it may have been started' \
    "$(jq -r 'select(.ref.pipeline_rkey | IN("late", "lost"))
    | "\(.build.status): \(.build.error | sub(": .*"; ""))"' out | sort | paste -sd ' ')"
done_testing
