#!/bin/sh
# SPDX-License-Identifier: ISC
# The played Buildkite that other tests rely on, asked by curl.
. "${0%/*}/lib.sh"
. "$TOP/tests/integration/play.sh"

play '{
  "tokens": {
    "good": {"user": "a", "scopes": ["write_builds", "read_builds", "read_build_logs"], "orgs": null},
    "read": {"user": "b", "scopes": ["read_builds"], "orgs": null},
    "other": {"user": "c", "scopes": ["read_builds"], "orgs": ["beta"]},
    "few": {"user": "d", "scopes": ["read_builds"], "orgs": null}},
  "orgs": {"acme-forge": ["tangled-ci", "closed"], "beta": ["ci"]},
  "branches_disabled": ["closed"], "no_rebuilds": ["ci"],
  "limits": {"org": 400, "user": 100, "window": 60}, "jobs": ["make", "make test"]
}'
o=/v2/organizations/acme-forge
b=$o/pipelines/tangled-ci/builds

# ask METHOD PATH [curl options]: status, then body in body.
ask() {
	method=$1 path=$2
	shift 2
	curl -s -m "$PATIENCE" -X "$method" -H "Authorization: Bearer ${token-good}" -D answer.head -o body \
	    -w '%{http_code}\n' "$@" "$api$path"
}
post() {
	ask POST "$1" -H 'Content-Type: application/json' -d "$2"
}
put() {
	ask PUT "$1" -H 'Content-Type: application/json' -d "$2"
}
field() {
	tr -d '\r' <answer.head | sed -n "s/^$1: //p"
}

new='{"commit": "f048e22", "branch": "main", "env": {"A": "1"}, "meta_data": {"tack:knot": "k", "tack:pipeline_rkey": "r", "tack:workflow": "w", "flag": true}}'
is 'a create answers with the build' '201 scheduled 1 true 2' \
    "$(post $b "$new") $(jq -r '"\(.state) \(.number) \(.meta_data.flag) \(.jobs | length)"' body)"
is 'a build names the real host' "https://api.buildkite.com$b/1" "$(jq -r .url body)"
is 'no token, another, basic: 401; not in scope: 403' '401 401 401 403' \
    "$(token='' ask GET $b) $(token=bad ask GET $b) $(curl -s -o body -w '%{http_code}' -u good: "$api$b") $(token='read' post $b "$new")"
is 'an organization that a token does not see, a wrong pipeline, a wrong build: 404' \
    '404 404 404 404 200' \
    "$(token=other ask GET $b/1) $(ask GET $o/pipelines/none/builds) $(ask GET $b/99) $(ask GET "$b/$(jq -r .id body)") $(ask GET $b/1)"
is '422: no commit, env no object, no Content-Type; 500: null' '422 422 422 500' \
    "$(post $b '{"branch": "main"}') $(post $b '{"commit": "a", "branch": "b", "env": "A=1"}') $(ask POST $b -d "$new" -H 'Content-Type: text/plain') $(post $b null)"
is 'branches that are disabled' '422 201' \
    "$(post $o/pipelines/closed/builds "$new") $(post $o/pipelines/closed/builds '{"commit": "a", "branch": "b", "ignore_pipeline_branch_filters": true}')"

# lists
for i in 2 3 4 5; do
	post $b "{\"commit\": \"c$i\", \"branch\": \"b/$i\", \"message\": \"m\", \"meta_data\": {\"tack:pipeline_rkey\": \"r$i\"}}" >codes
done
for move in '2 running' '3 passed' '4 failed' '5 blocked'; do
	direct "build/$(told builds "map(select(.commit == \"c${move% *}\"))[0].id" | tr -d '"')" "{\"state\": \"${move#* }\"}"
done
list() {
	ask GET "$1" -G >/dev/null
	jq -r '[.[].commit] | join(" ")' body
}
is 'a list is newest first' 'c5 c4 c3 c2 f048e22' "$(list $b)"
is 'filters of state, with the shortcut' 'c4 c2|c5|c5 c4 c3' \
    "$(list "$b?state%5B%5D=running&state%5B%5D=failed")|$(list "$b?state=blocked")|$(list "$b?state=finished")"
is 'filters of metadata, branch, commit' 'c3|c5 c4 c3 c2|c2' \
    "$(list "$b?meta_data%5Btack%3Apipeline_rkey%5D=r3")|$(list "$b?branch=b/*")|$(list "$b?commit=c2")"
is 'filters of time' 'c5 c4 c3||5' \
    "$(list "$o/builds?finished_from=2020-01-01T00%3A00%3A00Z")|$(list "$b?created_from=2099-01-01T00%3A00%3A00Z")|$(list "$b?created_to=2099-01-01T00%3A00%3A00Z" | wc -w)"
is 'jobs and pipeline can be left out' 'true true|false false' \
    "$(ask GET "$b/1" >codes; jq -r '"\(has("jobs")) \(has("pipeline"))"' body)|$(ask GET "$b/1?exclude_jobs=true&exclude_pipeline=true" >codes; jq -r '"\(has("jobs")) \(has("pipeline"))"' body)"
is 'pages are linked on the real host' \
    "c3 c2 <https://api.buildkite.com$b?per_page=2&page=3>; rel=\"next\", <https://api.buildkite.com$b?per_page=2&page=3>; rel=\"last\", <https://api.buildkite.com$b?per_page=2&page=1>; rel=\"first\", <https://api.buildkite.com$b?per_page=2&page=1>; rel=\"prev\"" \
    "$(list "$b?per_page=2&page=2") $(field Link)"
is 'too deep' 400 "$(ask GET "$b?per_page=1000&page=102")"

# what is done to a build
is 'cancel' '200 canceling 422' \
    "$(ask PUT $b/2/cancel) $(jq -r .state body) $(ask PUT $b/3/cancel)"
is 'a rebuild has no metadata but a parent' '200 {} 3' \
    "$(ask PUT $b/3/rebuild) $(jq -r '"\(.meta_data) \(.rebuilt_from.number)"' body)"
is 'a rebuild may be forbidden' '201 403' \
    "$(post /v2/organizations/beta/pipelines/ci/builds "$new") $(ask PUT /v2/organizations/beta/pipelines/ci/builds/1/rebuild)"
is 'failed jobs are retried, and the build runs again' '202 2 422 400 running 2 4' \
    "$(put $b/4/retry_failed_jobs '{"states": "failed"}') $(jq .retried_jobs_count body) $(put $b/2/retry_failed_jobs '{}') $(put $b/4/retry_failed_jobs '{"states": "passed"}') $(ask GET $b/4 >codes; jq -r '"\(.state) \(.jobs | length)"' body) $(ask GET "$b/4?include_retried_jobs=true" >codes; jq '.jobs | length' body)"
is 'jobs are listed with those that were retried' '4 2' \
    "$(ask GET $b/4/jobs >codes; jq '.items | length' body) $(ask GET "$b/4/jobs?include_retried_jobs=false" >codes; jq '.items | length' body)"

# logs
job=$(told builds '.[0].jobs[0].id' | tr -d '"')
log=$o/jobs/$job/log
is 'no log yet, a wrong job' '404 404' "$(ask GET $log) $(ask GET $o/jobs/none/log)"
direct log/1 '{"text": "0123456789"}'
is 'a log as JSON, as text, by its end' \
    '200 0123456789 10|200 0123456789|206 789 bytes 7-9/10|206 0123456789' \
    "$(ask GET $log) $(jq -r '"\(.content) \(.size)"' body)|$(ask GET $log.txt) $(cat body)|$(ask GET $b/1/jobs/$job/log -H 'Accept: text/plain' -H 'Range: bytes=-3') $(cat body) $(field Content-Range)|$(ask GET $log -H 'Accept: text/plain' -H 'Range: bytes=-99') $(cat body)"
is 'HEAD tells the size' '200 10' "$(curl -s -I -H 'Authorization: Bearer good' -o answer.head -w '%{http_code}' "$api$log") $(field Content-Length)"
is 'no other range, not without text/plain' '400 400 400 400' \
    "$(for r in 5- 2-3 -0; do ask GET $log -H 'Accept: text/plain' -H "Range: bytes=$r"; done | tr '\n' ' ')$(ask GET $log -H 'Range: bytes=-3')"
direct log/1 '{"text": "", "job": 1}'
is 'an empty log has no range' 416 \
    "$(ask GET "$o/jobs/$(told builds '.[0].jobs[1].id' | tr -d '"')/log" -H 'Accept: text/plain' -H 'Range: bytes=-3')"

# rate limits
is 'each answer tells both limits' 'rest 400 rest_user 100' \
    "$(ask GET $b/1 >codes; for f in RateLimit-Scope RateLimit-Limit RateLimit-User-Scope RateLimit-User-Limit; do field $f; done | tr '\n' ' ' | sed 's/ $//')"
direct config '{"limits": {"org": 400, "user": 3, "window": 60}}'
is 'a user has enough: its own scope' '200 200 200 429 rest_user 0' \
    "$(for i in 1 2 3 4; do token=few ask GET $b/1; done | tr '\n' ' ')$(jq -r .scope body) $(field RateLimit-User-Remaining)"
direct config '{"limits": {"org": 1, "user": 1000, "window": 60}}'
is 'the organization has enough: the other scope' '429 rest' "$(ask GET $b/1) $(jq -r .scope body)"
direct config '{"limits": {"org": 10000, "user": 10000, "window": 60}}'

# faults
direct config '{"faults": [{"kind": "create", "do": "before"}, {"kind": "create", "do": "after"}, {"kind": "create", "do": "500-after"}, {"kind": "create", "do": "429-org"}, {"kind": "get", "do": "502"}, {"kind": "get", "do": "truncated"}]}'
fault='{"commit": "f", "branch": "b", "meta_data": {"tack:knot": "f", "tack:pipeline_rkey": "f", "tack:workflow": "f"}}'
is 'faults come in turn' '000 000 500 429 201' "$(for i in 1 2 3 4 5; do post $b "$fault"; done | tr '\n' ' ' | sed 's/ $//')"
is 'what was cut off after it was done is done' 3 "$(told counts '.builds["f f f"]')"
is 'a proxy speaks HTML, half a build is none' '502 <html> 200 no' \
    "$(ask GET $b/1) $(head -n 1 body) $(ask GET $b/1) $(jq . body >out 2>&1 || echo no)"
is 'requests are counted by kind' '{"cancel":2,"rebuild":2}' \
    "$(told counts '.requests | {cancel, rebuild}')"
is 'tokens are seen by host' '["Basic Z29vZDo=","Bearer","Bearer bad","Bearer few","Bearer good","Bearer other","Bearer read"]' \
    "$(told counts ".tokens[\"127.0.0.1:$port\"] | keys | map(rtrimstr(\" \"))")"

# webhooks
cat >receive <<'END'
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open("got", "ab").write(self.headers["X-Buildkite-Event"].encode() + b"\n")
        open("hook.body", "wb").write(body)
        open("hook.head", "w").write(self.headers["X-Buildkite-Signature"])
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
s = http.server.HTTPServer(("127.0.0.1", 0), H)
print(s.server_address[1], flush=True)
s.serve_forever()
END
mkfifo hook.port
/usr/bin/python3 receive >hook.port 2>/dev/null &
receive_pid=$!
trap 'kill "$play_pid" "$receive_pid" 2>/dev/null' EXIT
read -r hook_port <hook.port
direct config "{\"webhook\": {\"url\": \"http://127.0.0.1:$hook_port/\", \"secret\": \"s3\"}}"
post $b "$new" >codes
is 'a webhook is there before the answer' build.scheduled "$(cat got)"
is 'it is compact, has no jobs, and the other times' '0 false true' \
    "$(wc -l <hook.body) $(jq -r '"\(.build | has("jobs")) \(.build.created_at | test("^\\S+ \\S+ UTC$"))"' hook.body)"
is 'it is signed' "$(sed 's/.*signature=//' hook.head)" \
    "$({ sed 's/timestamp=\([0-9]*\),.*/\1./' hook.head | tr -d '\n'; cat hook.body; } | openssl dgst -sha256 -hmac s3 | sed 's/.* //')"
build=$(told builds 'map(select(.meta_data["tack:workflow"] == "w"))[-1].id' | tr -d '"')
direct config '{"lose": ["build.running"], "repeat": 2}'
direct "build/$build" '{"state": "running"}'
direct "build/$build" '{"state": "passed"}'
is 'webhooks are lost and repeated' 'build.scheduled build.finished build.finished' "$(tr '\n' ' ' <got | sed 's/ $//')"
rm got
direct config '{"lose": [], "repeat": 1, "hold": true}'
for state in running failing failed; do
	direct "build/$build" "{\"state\": \"$state\"}"
done
is 'webhooks are held' no "$(test -f got && echo yes || echo no)"
direct deliver '{"order": [2, 0, 1, 0]}'
is 'and come in another order' 'build.finished build.running build.failing build.running' "$(tr '\n' ' ' <got | sed 's/ $//')"
rm got
direct config '{"hold": false, "delay": 0.2}'
direct "build/$build" '{"state": "running"}'
direct wait
is 'and late' build.running "$(cat got)"
direct config '{"delay": 0, "script": [[0.01, "running"], [0.05, "passed"]]}'
rm got
post $b "$new" >codes
build=$(jq .number body)
passed() {
	ask GET "$b/$build" >codes
	jq -e '.state == "passed"' body
}
soon 'a build may follow a script' passed

done_testing
