#!/bin/sh
# SPDX-License-Identifier: ISC
# What stands between call.jq and the CI: tokens, the budget, cut connections.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

# shellcheck disable=SC2086 # flags are words
ok 'the tool builds' ${CC:-cc} ${CFLAGS:--O2 -g} -std=c11 -D_GNU_SOURCE \
    -iquote "$TOP/lib" ${LDFLAGS:-} -o ask "$TOP/tests/ask.c" \
    "$TOP/lib/libtack.a" -lsqlite3 -lcurl -ljq -lm -lnettle -lyaml -lbsd

play '{"tokens": {
    "common": {"user": "a", "scopes": ["write_builds", "read_builds", "read_build_logs"], "orgs": null},
    "beta": {"user": "b", "scopes": ["write_builds", "read_builds"], "orgs": ["beta"]}},
  "orgs": {"acme-forge": ["tangled-ci"], "beta": ["ci"]}}'
umask 077
echo common >token
echo beta >token.beta
TACK_BUILDKITE_TOKEN_FILE=$TMP/token
TACK_BUILDKITE_TOKEN_BETA_FILE=$TMP/token.beta
TACK_BUILDKITE_ORG=acme-forge
TACK_DB_PATH=$TMP/tack.db
export TACK_BUILDKITE_TOKEN_FILE TACK_BUILDKITE_TOKEN_BETA_FILE \
    TACK_BUILDKITE_ORG TACK_DB_PATH
tack-init

input() {
	jq -nc "{
	  task: { ref: { knot: \"knot1.example.org\", pipeline_rkey: \"3lxk4q2vw7c22\", workflow: \"ci.yml\" },
	    sha: \"f048e22201d64571b0c84b7f7a0d02b13b963fc1\", branch: \"main\",
	    env: { CI: \"true\" }, options: { pipeline: \"tangled-ci\" } },
	  ref: { pipeline_rkey: \"3lxk4q2vw7c22\" }, since: \"2020-01-01T00:00:00Z\",
	  build: { org: \"acme-forge\", pipeline: \"tangled-ci\", number: \"1\" },
	  builds: [{ org: \"acme-forge\" }]
	} | ${1:-.}"
}
ask() {
	input "${2:-.}" | within ./ask buildkite "$1"
}
fault() {
	direct config "{\"faults\": [{\"kind\": \"$1\", \"do\": \"$2\"}]}"
}

# How many builds the answer has.
many() {
	ask "$@" | jq '.builds | length'
}

# each verb, for real
is 'a build is created' 'scheduled knot1.example.org' \
    "$(ask create | jq -r '.builds[0].build | "\(.state) \(.meta_data["tack:knot"])"')"
is 'and found, got, listed' '1 1 scheduled 1' \
    "$(many find) $(ask get | jq -r '.builds[0].build
	| "\(.number) \(.state)"') $(many list)"
is 'of another workflow nothing is found' 0 \
    "$(many find '.ref.pipeline_rkey = "other"')"
is 'its steps' '["make test","pending"]' "$(ask steps | jq -c '.steps[0] | [.name, .state]')"
job=$(ask steps | jq -r '.steps[0].id')
is 'no log yet' '{}' "$(ask log ".step = \"$job\" | .offset = 0")"
direct log/1 '{"text": "0123456789"}'
is 'its log' '0 10 0123456789' "$(ask log ".step = \"$job\" | .offset = 0")"
is 'the end of its log' '7 10 789' "$(ask log ".step = \"$job\" | .offset = 7 | .total = 10")"
is 'a wrong build is gone' 'Buildkite: No build found' "$(ask get '.build.number = "99"' | jq -r .gone)"
direct build/1 '{"state": "running"}'
is 'it is cancelled' canceling "$(ask cancel | jq -r '.builds[0].build.state')"
direct build/1 '{"state": "canceled"}'
is 'twice is well' canceled "$(ask cancel | jq -r '.builds[0].build.state')"
is 'a canceled build is not retried' \
    'Buildkite: Jobs from canceled builds cannot be retried' \
    "$(ask retry | jq -r .error)"
is 'it is rebuilt' '2 1' "$(ask rebuild | jq -r '.builds[0].build | "\(.number) \(.rebuilt_from.number)"')"
direct build/2 '{"state": "failed"}'
is 'what failed is retried' running "$(ask retry '.build.number = "2"' | jq -r '.builds[0].build.state')"
is 'the rebuild is found by its time' 2 \
    "$(ask find '.parent = .build | del(.task)' |
	jq '[.builds[].build | select(.rebuilt_from != null)][0].number')"

# tokens
ask create '.task.options = {org: "beta", pipeline: "ci"}' >out
ask create '.task.options = {org: "beta", pipeline: "ci"}' >out
ask get '.build = {org: "beta", pipeline: "ci", number: "1"}' >out
is 'an organization with a token of its own gets that' '3 Bearer beta' \
    "$(told counts ".tokens[\"127.0.0.1:$port\"] | to_entries[]
	| select(.key != \"Bearer common\") | \"\(.value) \(.key)\"" | tr -d '"')"
is 'its scopes are its own' \
    'Buildkite: Forbidden; the token needs the scope read_build_logs, and its user the right' \
    "$(ask log '.build = {org: "beta", pipeline: "ci", number: "1"}
	| .step = "x" | .offset = 0' | jq -r .error)"
is 'without a token its variable is named, and nothing sent' \
    'buildkite is not set up here: set TACK_BUILDKITE_TOKEN_FILE' \
    "$(unset TACK_BUILDKITE_TOKEN_FILE; ask create | jq -r .error)"
is 'a wrong token' \
    'Buildkite: Authentication required. Please supply a valid API Access Token: https://buildkite.com/docs/apis/rest-api#authentication; renew the token in TACK_BUILDKITE_TOKEN_FILE' \
    "$(unset TACK_BUILDKITE_TOKEN_FILE; TACK_BUILDKITE_TOKEN=revoked ask create | jq -r .error)"
is 'an unknown organization' \
    "Buildkite: No organization found; check the names of organization and pipeline, and that the token's user may see them" \
    "$(ask create '.task.options.org = "none"' | jq -r .error)"

# A second host, to which the first one's answers lead.
first=$play_pid home=$api
play
evil=$api evil_pid=$play_pid
api=$home TACK_BUILDKITE_API=$home
trap 'kill "$first" "$evil_pid" 2>/dev/null' EXIT

# A provider whose next page and whose build are wherever $1 says.
astray() {
	rm -rf share
	mkdir -p share/providers/astray
	cp -R "$TOP/share/." share/
	jq '.budget = 0' "$TOP/share/providers/buildkite/provider.json" >share/providers/astray/provider.json
	cat >share/providers/astray/call.jq <<END
if .answer == null then
  { method: "GET", url: "$1", headers: { Authorization: "Bearer {secret}" }, secret: ["BUILDKITE_TOKEN"] }
else { builds: [] } end
END
	input | TACK_SHARE=share TACK_ASTRAY_API=http://127.0.0.1:1 within ./ask astray get
}
is 'a request to another host is not sent' \
    '"call.jq made a request that is not one to the CI"' \
    "$(for url in "$evil/v2/x" "http://127.0.0.1:1@${evil#http://}/" \
	"http://127.0.0.1:10/" "http://127.0.0.2:1/x" "http://127.0.0.1:1" " $evil/" "$(printf '%s/\\u0000' "$evil")" \
	'http://127.0.0.1:1/\nHost: x'; do
		astray "$url" | jq .error
	done | sort -u)"
is 'so that host never saw a token' '{}' "$(curl -s "$evil/_/counts" | jq -c .tokens)"

# what may have been done, and what was surely not
builds() {
	told builds length
}
had=$(builds)
fault create before
is 'cut off before: nobody knows' '["unsure"] 0' "$(ask create | jq -c keys) $(($(builds) - had))"
fault create after
is 'cut off after: nobody knows' '["unsure"] 1' "$(ask create | jq -c keys) $(($(builds) - had))"
for f in 500 502 500-after truncated empty; do
	fault create $f
	ask create
done >out
is 'a fault of the CI: nobody knows' \
    'Internal Server Error|HTTP 502|Internal Server Error|the answer is no build|the answer is no build' \
    "$(jq -r '.unsure | ltrimstr("Buildkite: ")' out | paste -sd '|')"
had=$(builds)
fault create 429-user
is '429: it was not done, and for how long, with some more' 'true 0' \
    "$(ask create | jq '.wait > 2 and .wait <= 4') $(($(builds) - had))"
# However many requests would be left; far on, as this machine may be slow.
sqlite3 tack.db 'UPDATE budget SET tokens = 10000000, until = until + 300000'
had=$(told requests length)
is 'until then nothing is sent' 'true 0' \
    "$(ask get | jq '.wait > 100 and .wait < 310') $(($(told requests length) - had))"
sqlite3 tack.db 'DELETE FROM budget'
is 'nobody there: it was not done' 'true' \
    "$(TACK_BUILDKITE_API=http://127.0.0.1:1 ask create | jq '.wait > 0')"
sqlite3 tack.db 'DELETE FROM budget'
fault create echo
is 'a CI that repeats the token does not get it out' 'Buildkite: You said Bearer ******' \
    "$(ask create | jq -r .error)"

# the budget
sqlite3 tack.db 'DELETE FROM budget'
direct config '{"limits": {"org": 100000, "user": 100000, "window": 60}}'
had=$(told requests length)
input >one
for i in 1 2 3 4 5 6 7 8 9 10; do cat one one one one one; done >fifty
began=$(ms)
within ./ask buildkite get <fifty >out
spent=$((($(ms) - began) / 1000)) sent=$(($(told requests length) - had))
note "$sent requests in $spent s"
ok 'forty requests, and another each second and a half' \
    [ "$sent" -ge 40 -a "$sent" -le $((40 + spent * 2 / 3 + 1)) ]
is 'and the others wait' "50 $((50 - sent))" \
    "$(wc -l <out) $(jq -s 'map(select(.wait)) | length' out)"
is 'each token has its own' scheduled \
    "$(ask get '.build = {org: "beta", pipeline: "ci", number: "1"}' | jq -r '.builds[0].build.state')"

# pages
rm -rf share
cp -R "$TOP/share" .
jq '.budget = 100000' "$TOP/share/providers/buildkite/provider.json" >share/providers/buildkite/provider.json
export TACK_SHARE=share
for i in 1 2 3 4 5; do
	for j in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 \
	    21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44; do
		echo "$i$j"
	done
done >each
input '.task.ref.pipeline_rkey = "many"' >one
while read -r _; do cat one; done <each | within ./ask buildkite create >out
had=$(told requests length)
is 'all pages are followed, once' '220 220 3' \
    "$(ask find '.ref.pipeline_rkey = "many"' | jq -r '[.builds[].build.id]
	| "\(length) \(unique | length)"') $(($(told requests length) - had))"

done_testing
