#!/bin/sh
# SPDX-License-Identifier: ISC
# Faults of the machine: never an acknowledgement of what is not stored.
. "$(dirname "$0")/lib.sh"

printf 's3cret' >secret && chmod 600 secret
printf 'X-Buildkite-Token: s3cret\n' >header
export TACK_BUILDKITE_WEBHOOK_SECRET_FILE="$TMP/secret"
export TACK_BUILDKITE_WEBHOOK_MODE=token
body=$DATA/buildkite/webhook-build-scheduled.json

serve() {
	tack-http -l 127.0.0.1:0 2>server.log &
	server=$!
	url=http://$(address server.log)
}

post() {
	curl -s -o /dev/null -m "$PATIENCE" -w '%{http_code}' -H @header \
	    --data-binary "@${1:-$body}" "$url/webhooks/buildkite"
}

status 'no database: the server does not start' 78 \
    within tack-http -l 127.0.0.1:0
within tack-http -l 127.0.0.1:0 2>refused.log
is 'nor does it say that it listens' 0 "$(grep -c listening refused.log)"
tack-init
serve
is 'all is well: 200' 200 "$(post)"
mkfifo gate
flock tack.db-lock sh -c 'echo held >taken; read -r _ <gate' &
holder=$!
until_ok test -s taken
is 'the lock is held by another: 503' 503 \
    "$(post "$DATA/buildkite/webhook-build-running.json")"
echo >gate
wait "$holder"
is 'and once it is let go: 200' 200 \
    "$(post "$DATA/buildkite/webhook-build-running.json")"
for pid in $(ps -o pid= --ppid "$server"); do
	# shellcheck disable=SC2046 # several
	kill -9 "$pid" $(ps -o pid= --ppid "$pid")
done
is 'filters killed: the next webhook finds new ones' 200 "$(post)"
chmod 644 secret
kill -9 "$(ps -o pid= --ppid "$server" | tr -d ' ')"
is 'filters that can no longer start: 503' 503 "$(post)"
/usr/bin/python3 -c 'import socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"POST /webhooks/buildkite HTTP/1.1\r\nHost: a\r\n"
    b"Content-Length: 2\r\n\r\n{}")
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()' "${url##*:}"
is 'who hangs up then does not end the server' 503 "$(post)"
chmod 600 secret
is 'which finds them well again: 200' 200 "$(post)"
kill "$server"
wait "$server"
is 'and the log holds each status once' 'pending running' \
    "$(tack-events | jq -r .event.status | tr '\n' ' ' | sed 's/ $//')"

mkdir small
if mount -t tmpfs -o size=400k tack-test small 2>/dev/null; then
	export TACK_DB_PATH="$TMP/small/tack.db"
	tack-init
	serve
	i=0 acknowledged=0 code=200
	while [ "$i" -lt 600 ] && [ "$code" = 200 ]; do
		i=$((i + 1))
		jq -c --arg i "$i" '.build.id = "u" + $i |
		    .build.meta_data["tack:pipeline_rkey"] = "r" + $i' \
		    "$body" >one
		code=$(post one)
		[ "$code" = 200 ] && acknowledged=$((acknowledged + 1))
	done
	is 'a full disk: 503' 503 "$code"
	is 'what was acknowledged is stored, and nothing else is claimed' \
	    "$acknowledged" "$(tack-events | wc -l | tr -d ' ')"
	is 'the database is whole' ok \
	    "$(sqlite3 -readonly small/tack.db 'PRAGMA integrity_check')"
	note "the disk was full after $acknowledged webhooks"
	kill "$server"
	wait "$server"
	umount small
else
	skip 'a full disk' 'no right to mount a small one'
fi
done_testing
