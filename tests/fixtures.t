#!/bin/sh
# SPDX-License-Identifier: ISC
# Every recorded Buildkite payload against what reading it must yield.
. "$(dirname "$0")/lib.sh"

# The answers of the REST API come as tack-poll passes them on.
records() {
	case $1 in
	webhook-*) jq -c '{provider: "buildkite", event: "poll", payload: .}' ;;
	rest-builds-list*) jq -c '.[] | {provider: "buildkite", event: "poll", payload: {build: .}}' ;;
	*) jq -c '{provider: "buildkite", event: "poll", payload: {build: .}}' ;;
	esac
}

# What resolving a payload, of the file's kind, says in the words of the
# expectations.
reading() {
	rm -f tack.db*
	tack-init
	records "$1" | tack-resolve 2>/dev/null | jq -c '{ours: has("ref"),
	    status: (if has("ref") then .build.status else null end),
	    knot: .ref.knot, pipeline_rkey: .ref.pipeline_rkey,
	    workflow: .ref.workflow}'
}

count=0
for file in "$DATA"/buildkite/webhook-*.json "$DATA"/buildkite/rest-*.json; do
	case $file in *.expect.json) continue ;; esac
	name=$(basename "$file" .json)
	want=$(jq -c 'if type == "array" then .[] else . end' \
	    "${file%.json}.expect.json")
	is "$name" "$want" "$(jq . "$file" | reading "$name")"
	is "$name after jq -S ." "$want" \
	    "$(jq -S . "$file" | reading "$name")"
	is "$name with members reversed" "$want" \
	    "$(jq 'walk(if type == "object" then to_entries | reverse | from_entries else . end)' "$file" | reading "$name")"
	count=$((count + 1))
done
note "$count recorded payloads, each read in three orders"
ok 'there are payloads' [ "$count" -ge 25 ]
done_testing
