#!/bin/sh
# SPDX-License-Identifier: ISC
# Who may have what built: tests/data/permit.tsv, a fact a line, before a
# played Buildkite; and what a stranger's workflow file may not choose.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

umask 077
play '{
  "tokens": {"bkua_a": {"user": "a", "scopes": ["write_builds", "read_builds"], "orgs": null}},
  "orgs": {"acme": ["ci", "deploy"], "beta": ["ci"]},
  "limits": {"org": 100000, "user": 100000, "window": 60}}'
echo bkua_a >token
TACK_BUILDKITE_TOKEN_FILE=$TMP/token
TACK_BUILDKITE_ORG=acme
TACK_OWNER_DID=did:plc:o
export TACK_BUILDKITE_TOKEN_FILE TACK_BUILDKITE_ORG TACK_OWNER_DID
cp -R "$TOP/share" .
export TACK_SHARE="$TMP/share"
jq '.budget = 1000000' "$TOP/share/providers/buildkite/provider.json" \
    >share/providers/buildkite/provider.json

# record RKEY KIND OWNER AUTHOR TACK: a record with one workflow.
record() {
	jq -nc --arg rkey "$1" --arg kind "$2" --arg owner "$3" \
	    --arg author "$4" --argjson tack "$5" '
	("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") as $sha
	| {
	  $rkey, nsid: "sh.tangled.pipeline",
	  event: {
	    triggerMetadata: ({
	      repo: { knot: "knot.example.org", did: $owner, repo: "lantern",
	        repoDid: "did:plc:repo", defaultBranch: "main" }
	    } + if $kind == "push" then { kind: "push",
	      push: { newSha: $sha, oldSha: $sha, ref: "refs/heads/main" } }
	    elif $kind == "fork" then { kind: "manual", sourceRepo: "did:plc:fork",
	      manual: { sha: $sha, ref: "refs/heads/main" } }
	    else { kind: "pull_request",
	      pullRequest: ({ sourceBranch: "main", targetBranch: "main",
	        sourceSha: $sha, action: "opened" }
	        + if $kind == "pull" then
	          { pull: "at://\($author)/sh.tangled.repo.pull/3mtj74q6ock2b" }
	        else {} end) } end),
	    workflows: [{ name: "ci.yml", engine: "tack", clone: {},
	      raw: ({ tack: $tack } | tojson) }]
	  }
	}'
}

did() {
	case $1 in
	-)	;;
	*)	printf 'did:plc:%s' "$(printf %s "$1" | tr '[:upper:]' '[:lower:]')" ;;
	esac
}

# What the CI was asked to build for an rkey: org/pipeline.
built() {
	told builds "map(select(.meta_data[\"tack:pipeline_rkey\"] == \"$1\"))
	    | map(.web_url | split(\"/\") | if .[3] == \"beta\" then \"beta\" else .[4] end) | join(\" \")" | tr -d '"'
}

tab=$(printf '\t')
case_of=0
while IFS=$tab read -r pulls list seen kind owner author options comes; do
	case $pulls in
	'#'*)	continue ;;
	esac
	case_of=$((case_of + 1))
	TACK_DB_PATH=$TMP/$case_of.db
	export TACK_DB_PATH
	tack-init
	tack-member add did:plc:m
	[ "$seen" = - ] || sqlite3 "$TACK_DB_PATH" \
	    "INSERT INTO tenant (did) VALUES ('$(did "$seen")')"
	unset TACK_PULLS TACK_ALLOW_FILE
	[ "$pulls" = - ] || export TACK_PULLS="$pulls"
	[ "$list" = - ] || {
		printf '# the list\n%s\n' "$list" | tr , '\n' >list
		export TACK_ALLOW_FILE="$TMP/list"
	}
	tack=$(printf '%s' "$options" | jq -Rc '{ buildkite:
	    (split(",") | map(split(":") | { (.[0]): .[1] }) | add) }')
	record "r$case_of" "$kind" "$(did "$owner")" "$(did "$author")" "$tack" |
		timeout 60 tack-spawn -w 50 >out
	came=$(jq -r 'if .outcome == "ignored" then "ignored"
	    else .build.status end' out)
	[ "$came" != pending ] || came=$(built "r$case_of")
	is "TACK_PULLS $pulls, list $list, seen $seen: a $kind to $owner by $author for $options: $comes" \
	    "$comes" "$came"
	case $comes in
	ignored)
		is '  and it leaves no row' 0 \
		    "$(sqlite3 "$TACK_DB_PATH" 'SELECT count(*) FROM build')" ;;
	failed)
		is '  and nothing is asked of the CI' '' "$(built "r$case_of")" ;;
	esac
done <"$DATA/permit.tsv"

# What a stranger's file may not choose.
TACK_DB_PATH=$TMP/choose.db
TACK_PULLS=all
TACK_ALLOW_FILE=$TMP/list
export TACK_DB_PATH TACK_PULLS TACK_ALLOW_FILE
echo 'pull buildkite acme/ci' >list
tack-init
wants='{"buildkite": {"org": "beta", "pipeline": "ci", "branch": "main", "commit": "HEAD",
    "message": "Release", "env": {"BASH_ENV": "/tmp/x", "DEPLOY": "yes"}, "metadata": {"a": "b"},
    "author": {"name": "The Owner", "email": "owner@example.org"}, "ignore_branch_filters": true}}'
record wants pull did:plc:a did:plc:s "$wants" | tack-spawn -w 50 >out
posted() {
	told builds "map(select(.meta_data[\"tack:pipeline_rkey\"] == \"$1\"))[0] | $2"
}
is 'the branch is marked as a stranger'"'s" '"did:plc:s:main"' \
    "$(posted wants .branch)"
is 'the commit is the pull request'"'s" \
    '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"' "$(posted wants .commit)"
is 'no environment, metadata, author or message of the file' \
    '[null,null,null,null,null]' \
    "$(posted wants '[.env.BASH_ENV, .env.DEPLOY, .meta_data.a, .author,
	(.message | if . == "Release" then . else null end)]')"
is 'the actor is the stranger' '"did:plc:s"' "$(posted wants .env.TACK_ACTOR)"
is 'and so says the branch in the environment' '"did:plc:s:main"' \
    "$(posted wants .env.TACK_BRANCH)"
record nobody anonymous did:plc:a - "$wants" | tack-spawn -w 50 >out
is 'without an author there is no actor' '["fork:main",null]' \
    "$(posted nobody '[.branch, .env.TACK_ACTOR]')"
record own push did:plc:o - "$wants" | tack-spawn -w 50 >out
is 'the operator'"'s own push chooses all that it may" \
    '["main","HEAD","yes","Release"]' \
    "$(posted own '[.branch, .commit, .env.DEPLOY, .message]')"
is 'its actor is the owner' '"did:plc:o"' "$(posted own .env.TACK_ACTOR)"
record slip pull did:plc:a did:plc:s '{"buildkite": ["ci"]}' | tack-spawn >out
is 'options of a wrong shape are said to be that' \
    'tack.buildkite: an object is wanted' "$(jq -r .build.error out)"

is 'what a stranger names is told in one plain line' \
    'acme/x� [31m may not be named by this pull request; the operator lists what may be (TACK_ALLOW_FILE)' \
    "$(record steer pull did:plc:a did:plc:s \
	'{"buildkite": {"pipeline": "x\u001b\n[31m"}}' |
	tack-spawn | jq -r .build.error)"

# Whose push it is, and what may stop what.
from() { # RKEY FILTER: an anonymous pull with more in its metadata
	record "$1" anonymous did:plc:a - \
	    '{"cancel": "superseded", "buildkite": {"pipeline": "ci"}}' |
		jq -c ".event.triggerMetadata |= ($2)"
}
from deep '.kind = "push" | .push = { ref: "refs/heads/main", newSha: ("a" * 40), sourceRepo: "did:plc:fork" }' |
	TACK_PULLS=off tack-spawn >out
is 'another repository is seen wherever the trigger names it' ignored \
    "$(jq -r .outcome out)"
for fork in one two; do
	from "fork-$fork" ".sourceRepo = \"did:plc:$fork\"" |
		tack-spawn -w 50 >out 2>&1
done
is 'the fork of one stranger does not cancel that of another' 0 \
    "$(told builds 'map(select(.state | startswith("cancel"))) | length')"
from fork-again '.sourceRepo = "did:plc:two"' | tack-spawn -w 50 >out 2>&1
is '  but its own older one' '"fork-two"' \
    "$(told builds 'map(select(.state | startswith("cancel")))[0].meta_data["tack:pipeline_rkey"]')"

# Settings.
refused() {
	record bad push did:plc:a - '{"buildkite": {"pipeline": "ci"}}' |
		env "$@" tack-spawn >out 2>err
	echo "$? $(wc -l <out) $(cat err)"
}
is 'TACK_PULLS has three values' \
    '78 0 tack-spawn: TACK_PULLS: not off, members or all' \
    "$(refused TACK_PULLS=1)"
is 'TACK_LOCAL_PULLS names its successor' \
    '78 0 tack-spawn: TACK_LOCAL_PULLS: is no more; TACK_PULLS says whose pull requests are built, by any CI' \
    "$(refused TACK_LOCAL_PULLS=1)"
is 'a list that is not there is a mistake' \
    "78 0 tack-spawn: TACK_ALLOW_FILE: $TMP/none: No such file or directory" \
    "$(refused TACK_ALLOW_FILE="$TMP/none")"
for line in 'pull buildkite' 'allow buildkite acme/ci' \
    'push buildkite acme/ci nobody' 'push buildkite acme/ci did:plc:a more'; do
	printf '\n%s\n' "$line" >wrong
	is "a line of the list is refused: $line" \
	    "78 0 tack-spawn: $TMP/wrong: line 2: not \"push|pull provider place [owner]\"" \
	    "$(refused TACK_ALLOW_FILE="$TMP/wrong")"
done
done_testing
