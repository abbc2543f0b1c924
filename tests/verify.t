#!/bin/sh
# SPDX-License-Identifier: ISC
# tack-verify says of each webhook whether it is genuine.
. "$(dirname "$0")/lib.sh"

secret=canary-29b1ff5779c76bd48ba6705eb99ff970
unset TACK_BUILDKITE_WEBHOOK_MODE TACK_BUILDKITE_WEBHOOK_SECRET_FILE \
    TACK_BUILDKITE_TOKEN TACK_BUILDKITE_TOKEN_FILE TACK_WEBHOOK_TOLERANCE
export TACK_BUILDKITE_WEBHOOK_SECRET=$secret
at=1787300940
body=$DATA/buildkite/webhook-build-finished-passed.json

# signature file secret time: the value of the header
signature() {
	printf 'timestamp=%s,signature=%s' "$3" "$( (printf '%s.' "$3" &&
	    cat "$1") | openssl dgst -sha256 -hmac "$2" | sed 's/.*= //')"
}

# request file [secret [time]]: a signed request, received at $at
request() {
	tack-request -a "$at" -H "X-Buildkite-Signature: $(signature "$1" \
	    "${2-$secret}" "${3-$at}")" buildkite <"$1"
}

# what outcome and reason tack-verify finds for the record in a file
outcome() {
	file=$1
	shift
	tack-verify "$@" <"$file" 2>>err |
	    jq -r '(.outcome // "genuine") + (.reason // "" | sub("^(?=.)"; ": "))'
}

# edit filter [file]: a request changed by jq
edit() {
	jq -c "$1" "${2:-good}" >edited && cat edited >>all
}

request "$body" >good
tack-verify <good >out 2>err
is 'a signed request is genuine' 'buildkite build.finished' \
    "$(jq -r '"\(.provider) \(.event)"' out)"
is 'its payload is the body' "$(jq -cS . "$body")" "$(jq -cS .payload out)"
is 'its request is gone' null "$(jq -c .request out)"
edit '.id = "7" | .x = 1'
is 'other members pass through' '7 1' \
    "$(tack-verify <edited | jq -r '"\(.id) \(.x)"')"

request "$body" wrong >wrong
is 'another secret is unauthorized' 'unauthorized: wrong signature' \
    "$(outcome wrong)"
edit '.request.headers = {"x-buildkite-token": "'$secret'"}'
is 'a token alone is unauthorized' \
    'unauthorized: no signature, or more than one' "$(outcome edited)"
edit '.request.headers["x-buildkite-signature"] |= [., .]'
is 'a repeated header is unauthorized' \
    'unauthorized: no signature, or more than one' "$(outcome edited)"
edit '.request.headers = {}'
is 'no header is unauthorized' \
    'unauthorized: no signature, or more than one' "$(outcome edited)"
edit '.request.path = "/webhooks/nobody"'
is 'an unknown provider is unauthorized' \
    'unauthorized: provider is not configured' "$(outcome edited)"
for path in /webhooks/ /webhooks/Buildkite /webhooks/buildkite/ \
    /webhooks/../buildkite /webhook/buildkite /webhooks/%62uildkite; do
	edit ".request.path = \"$path\""
	is "the path $path is malformed" \
	    'malformed: path is not /webhooks/NAME' "$(outcome edited)"
done
edit '.request.headers["content-encoding"] = "gzip"'
is 'a Content-Encoding is malformed' \
    'malformed: body has a Content-Encoding' "$(outcome edited)"
edit '.request.headers["content-encoding"] = "identity"'
is 'the identity encoding is none' genuine "$(outcome edited)"
for change in '.request.body |= . + "\n"' '.request.body |= " " + .' \
    '.request.body = "e30"' '.request.body = "e3=="' 'del(.request.body)' \
    '.request.body = "e30_"' '.request.body = 1'; do
	edit "$change"
	is "$change: malformed" 'malformed: body is not base64' \
	    "$(outcome edited)"
done
for change in '.request.at = "1"' '.request.at = -1' '.request.at = 1.5' \
    '.request.at = 1e300' '.request.at = null'; do
	edit "$change"
	is "$change: malformed" 'malformed: at is not seconds' \
	    "$(outcome edited)"
done
for change in '.request = 1' '.request = []' 'del(.request.headers)' \
    '.request.headers = []'; do
	edit "$change"
	is "$change: malformed" 'malformed: request is no request' \
	    "$(outcome edited)"
done

# What is signed and yet no use.
printf '' >empty
printf '{"event":"ping"' >half
printf '{"event":"ping"}x' >after
printf '{"event":"pi\000ng"}' >nul
printf '{"event":"\377"}' >latin
printf '{"event":1}' >number
printf '[]' >array
printf '%65s' '' | tr ' ' '[' >deep
while read -r file want; do
	request "$file" >signed
	is "a signed body that is $file" "malformed: $want" \
	    "$(outcome signed)"
done <<EOT
empty body is not JSON at byte 0
half body is not JSON at byte 15
after body is not JSON at byte 16
nul body is not JSON at byte 12
latin body is not JSON at byte 10
array body names no event
deep body is nested deeper than 64 levels at byte 64
EOT
{ printf '{"event":"ping","x":"'; head -c 10485760 /dev/zero | tr '\0' a
  printf '"}'; } >big
request big >signed
ok 'a body of 10 MiB is judged without a crash' \
    sh -c 'tack-verify <signed >big.out; [ $? -le 1 ]'
request "$DATA/buildkite/webhook-ping.json" >signed
is 'a ping is genuine' genuine "$(outcome signed)"

# Freshness.
for offset in -301 -300 -299 299 300 301; do
	want=genuine
	[ $offset != 301 ] || want='unauthorized: timestamp too old'
	[ $offset != -301 ] || want='unauthorized: timestamp in the future'
	edit ".request.at += $offset"
	is "P8 A29 received $offset s after: $want" "$want" "$(outcome edited)"
done
edit '.request.at += 301'
is '-t 0 switches the clock off' genuine "$(outcome edited -t 0)"
is '-t sets the window' genuine "$(outcome edited -t 301)"
is 'so does TACK_WEBHOOK_TOLERANCE' genuine \
    "$(TACK_WEBHOOK_TOLERANCE=301 outcome edited)"
is '-t wins' 'unauthorized: timestamp too old' \
    "$(TACK_WEBHOOK_TOLERANCE=301 outcome edited -t 300)"
for far in 2147483647 2147483648 4294967296 99999999999; do
	at=$far
	request "$body" >signed
	is "P8 signed and received at $far" genuine "$(outcome signed)"
done
at=253402300799
request "$body" >signed
is 'P8 the year 9999 has a digit too many' \
    'unauthorized: timestamp not understood' "$(outcome signed)"
at=1787300940
edit 'del(.request.at)'
is 'without at, it is now' 'unauthorized: timestamp too old' \
    "$(at=1000000000 && request "$body" | jq -c 'del(.request.at)' >old &&
	outcome old)"
if command -v faketime >/dev/null && [ -z "${TACK_SANITIZE-}" ]; then
	for offset in -301 -300 -299 299 300 301; do
		want=genuine
		[ $offset != 301 ] || want='unauthorized: timestamp too old'
		[ $offset != -301 ] ||
		    want='unauthorized: timestamp in the future'
		now=$(date -u -d "@$((at + offset))" '+%Y-%m-%d %H:%M:%S')
		got=$(TZ=UTC faketime -f "$now" tack-verify <edited 2>>err |
		    jq -r '(.outcome // "genuine") +
		    (.reason // "" | sub("^(?=.)"; ": "))')
		is "P8 the clock at $offset s, without at: $want" "$want" \
		    "$got"
	done
else
	skip 'P8 the clock without at' 'no faketime here'
fi

# Secrets.
printf 'canary-old\n%s\n' "$secret" >secrets
chmod 600 secrets
is 'either of two secrets in a file verifies' genuine \
    "$(TACK_BUILDKITE_WEBHOOK_SECRET_FILE=$TMP/secrets outcome good)"
request "$body" canary-old >old
is 'so does the other' genuine \
    "$(TACK_BUILDKITE_WEBHOOK_SECRET_FILE=$TMP/secrets outcome old)"
mkdir credentials
cp secrets credentials/tack_buildkite_webhook_secret
is 'a credential of systemd is found' genuine \
    "$(unset TACK_BUILDKITE_WEBHOOK_SECRET
	CREDENTIALS_DIRECTORY=$TMP/credentials outcome good)"
token=$(jq -c '.request.headers = {"x-buildkite-token": "'$secret'"}' good)
export TACK_BUILDKITE_WEBHOOK_MODE=token
echo "$token" >token
is 'the token is genuine in token mode' genuine "$(outcome token)"
echo "$token" | jq -c '.request.headers[] |= .[:-1]' >short
is 'a token cut short is unauthorized' 'unauthorized: wrong token' \
    "$(outcome short)"
is 'a signature is nothing in token mode' \
    'unauthorized: no signature, or more than one' "$(outcome good)"
export TACK_BUILDKITE_WEBHOOK_MODE=none
status 'a mode that is none is 78' 78 tack-verify </dev/null
unset TACK_BUILDKITE_WEBHOOK_MODE

refuses() {
	status "$1" 78 env "$2" tack-verify </dev/null
	grep -q "$3" .shown
	result $? "$1, by name"
}
refuses 'an empty secret is 78' TACK_BUILDKITE_WEBHOOK_SECRET= \
    TACK_BUILDKITE_WEBHOOK_SECRET
: >nothing
chmod 600 nothing
refuses 'an empty file is 78' \
    TACK_BUILDKITE_WEBHOOK_SECRET_FILE=nothing \
    TACK_BUILDKITE_WEBHOOK_SECRET_FILE
refuses 'an absent file is 78' TACK_BUILDKITE_WEBHOOK_SECRET_FILE=absent \
    TACK_BUILDKITE_WEBHOOK_SECRET_FILE
chmod 604 secrets
refuses 'a file that others may read is 78' \
    TACK_BUILDKITE_WEBHOOK_SECRET_FILE=secrets \
    TACK_BUILDKITE_WEBHOOK_SECRET_FILE
unset TACK_BUILDKITE_WEBHOOK_SECRET
status 'a token of the API alone asks for no webhooks' 0 \
    env TACK_BUILDKITE_TOKEN=api-token tack-verify </dev/null
is 'where nothing is configured, nothing is genuine' \
    'unauthorized: provider is not configured' "$(outcome good)"
export TACK_BUILDKITE_WEBHOOK_SECRET=$secret

# A filter like any other.
{ cat good; echo junk; echo '{"x":1}'; cat good; } >mixed
status 'bad lines make exit status 1' 1 sh -c 'tack-verify <mixed >mixed.out'
is 'good ones about them pass' 2 "$(grep -c payload mixed.out)"
echo '{"outcome":"ignored","request":1}' >settled
is 'a settled record passes untouched' "$(cat settled)" \
    "$(tack-verify <settled)"
status 'nothing in is nothing out' 0 tack-verify </dev/null
status 'a full disk is 74' 74 sh -c 'tack-verify <good >/dev/full'
status 'an argument is 64' 64 tack-verify x </dev/null
status '-t soon is 64' 64 tack-verify -t soon </dev/null
status 'TACK_WEBHOOK_TOLERANCE=soon is 78' 78 \
    env TACK_WEBHOOK_TOLERANCE=soon tack-verify </dev/null

# Promises.
tack-verify <all >>out 2>>err
ok 'P24 the secret is in no output and no message' \
    sh -c '! grep -aq canary out err mixed.out'
if [ -z "${TACK_SANITIZE-}" ]; then
	ok 'P27 neither libcurl nor libcrypto is linked' \
	    sh -c '! ldd "$0" | grep -E "curl|crypto|ssl"' \
	    "$TOP/bin/tack-verify"
fi
if command -v valgrind >/dev/null && [ -z "${TACK_SANITIZE-}" ]; then
	memcheck() {
		valgrind -q --error-exitcode=9 "$@"
	}
	status 'P7 the compare does not branch on the tag' 0 \
	    memcheck "$TOP/tests/auth.t" equal
	status 'P7 valgrind would see it if it did' 9 \
	    memcheck "$TOP/tests/auth.t" leaky
	status 'tack-verify is clean in its sandbox under valgrind' 0 \
	    memcheck tack-verify <good
else
	note 'no valgrind here'
fi
done_testing
