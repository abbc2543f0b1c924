#!/bin/sh
# SPDX-License-Identifier: ISC
. "$(dirname "$0")/lib.sh"

request() {
	tack-request "$@" <body >record
}
field() {
	jq -r ".request.$1" record
}

printf 'a\0\377\r\nb' >body
request -a 1787300942 -H 'X-One:  two words ' -m PUT '/a/b?c=d?e'
is 'a record is one line' 1 "$(grep -c '' record)"
is 'the body is base64 of the raw bytes' "$(base64 -w0 body)" "$(field body)"
is 'the path is without its query' /a/b "$(field path)"
is 'the query may have question marks' 'c=d?e' "$(field query)"
is 'at is a number' 1787300942 "$(jq '.request.at | numbers' record)"
is 'the method is the option' PUT "$(field method)"
is 'names are lower-case, values without blanks around' \
    '{"x-one":"two words"}' "$(jq -c .request.headers record)"

: >body
request buildkite
is 'a bare name is a webhook' /webhooks/buildkite "$(field path)"
is 'the method is POST' POST "$(field method)"
is 'an empty body is empty' '' "$(field body)"
is 'no header, no headers' '{}' "$(jq -c .request.headers record)"
ok 'at is now' jq -e 'now - .request.at | . >= 0 and . < 5' record

request -H 'A: 1' -H 'B: x' -H 'a: 2' -H 'A:3' x
is 'a repeated header is an array, in order' '{"a":["1","2","3"],"b":"x"}' \
    "$(jq -c .request.headers record)"
printf 'A: 1\r\nB:\n\nC: x: y' >headers
request -H @headers x
is 'headers come from a file' '{"a":"1","b":"","c":"x: y"}' \
    "$(jq -c .request.headers record)"
request -H 'A: $(touch gone) `"\' x
is 'a value is taken as it is' '$(touch gone) `"\' \
    "$(jq -r .request.headers.a record)"

head -c 3000000 /dev/zero >body
request x
is 'a body may be large' 4000000 "$(field body | tr -d '\n' | wc -c)"

: >body
full() {
	tack-request x <body >/dev/full
}
directory() {
	tack-request x </
}
status 'usage is 64' 64 tack-request
status 'an unknown option is 64' 64 tack-request -z x
status 'two paths are 64' 64 tack-request x y
status 'a header without a colon is 64' 64 request -H nonsense x
status 'a header name with a blank is 64' 64 request -H 'A B: c' x
status 'a time that is no number is 64' 64 request -a noon x
status 'a missing file of headers is 66' 66 request -H @absent x
status 'a body that cannot be read is 74' 74 directory
status 'a record that cannot be written is 74' 74 full
status '-h is 0' 0 tack-request -h
done_testing
