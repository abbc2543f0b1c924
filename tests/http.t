#!/bin/sh
# SPDX-License-Identifier: ISC
# tack-http before real peers: curl, WebSocket clients, inetd, systemd, tcpserver.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
PATH=$PATH:/usr/sbin:/sbin
py=/usr/bin/python3

# A server with arguments on a port of its own: pid, port, url, log.
serve() {
	log=log.$((serves = serves + 1))
	"${http:-tack-http}" -l 127.0.0.1:0 "$@" 2>"$log" &
	pid=$!
	url=http://$(address "$log")
	port=${url##*:}
}

code() {
	curl -s -m "$PATIENCE" -o body -D head.out -w '%{http_code}' "$@"
}

field() {
	tr -d '\r' <head.out | sed -n "s/^$1: //p"
}

contains() {
	grep -q -- "$1" "$2"
}

# Clients.
cat >client.py <<'EOP'
import struct, sys, time, ws
from ws import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
port, what = int(sys.argv[1]), sys.argv[2]

def connect(path="/events", extra=""):
    client = ws.Client(port, ws.handshake(path, extra))
    if not client.open:
        print(client.head.split()[1].decode())
        sys.exit(0)
    open("opened", "w").close()
    return client

def text(client):
    first, data = client.frame()
    assert first == 0x81
    return data.decode()

def closed(client):
    while got := client.frame():
        if got[0] == 0x88:
            return struct.unpack(">H", got[1][:2])[0] if got[1] else 1005
    return "dropped"

def pong(client):
    while got := client.frame():
        if got[0] == 0x8a and got[1]:
            return "pong " + got[1].decode()

if what == "lines":
    client = connect(sys.argv[3])
    for _ in range(int(sys.argv[4])):
        print(text(client))
elif what == "logs":
    client = connect("/logs" + sys.argv[3])
    while True:
        first, data = client.frame()
        if first == 0x88:
            print(struct.unpack(">H", data[:2])[0], data[2:].decode())
            break
        assert first == 0x81
        print(data.decode(), flush=True)
elif what == "code":
    print(closed(connect()))
elif what == "origin":
    connect(extra=f"Origin: {sys.argv[3]}\r\n")
    print(101)
elif what == "junk":
    client = connect()
    client.send(TEXT, b"not json {")
    client.send(BINARY, bytes(range(256)))
    client.send(TEXT, b"frag", fin=False)
    client.send(PING)
    client.send(CONTINUATION, b"ment")
    client.send(PING, b"hi")
    print(pong(client))
elif what == "close":
    client = connect()
    client.send(CLOSE, struct.pack(">H", 1000))
    print(closed(client), client.more())
elif what == "early":
    client = ws.Client(port, ws.handshake(key="dGhlIHNhbXBsZSBub25jZQ==") +
        ws.frame(PING, b"hi"))
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in client.head
    print(pong(client))
elif what == "ping":
    client = connect()
    start = time.monotonic()
    while client.frame()[0] != 0x89:
        pass
    print(round(time.monotonic() - start))
elif what == "stuck":
    client = connect()
    time.sleep(36000)
elif what == "flood":
    s = connect().socket
    for _ in range(200):
        s.settimeout(ws.PATIENCE)
        s.sendall(1000 * ws.frame(PING))
        s.settimeout(0)
        try:
            while s.recv(1 << 20):
                pass
        except BlockingIOError:
            pass
    print("survived")
else:
    sent = {"big": [(TEXT, b"x", {"length": 10 ** 7})],
        "fragments": [(TEXT, b"x" * 60000, {"fin": False}),
            (CONTINUATION, b"x" * 60000, {"fin": False})],
        "unmasked": [(TEXT, b"hello", {"mask": None})],
        "reserved": [(TEXT, b"hello", {"rsv": 7})],
        "opcode": [(3, b"hello", {})],
        "utf8": [(TEXT, b"\xff\xfe", {})],
        "longping": [(PING, b"x" * 126, {})]}[what]
    client = connect()
    for opcode, data, how in sent:
        client.send(opcode, data, **how)
    print(closed(client))
EOP
cat >raw.py <<'EOP'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(300)
s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
if len(sys.argv) > 3:
    s.shutdown(socket.SHUT_WR)
b = b""
while True:
    c = s.recv(4096)
    if not c:
        break
    b += c
print(b.split(b"\r\n")[0].decode().split(" ")[1] if b else "none")
EOP
cat >parts.py <<'EOP'
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(300)
head = b"POST /webhooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n"
said = []
def send(b):
    s.sendall(b)
    time.sleep(0.05)
def answer():
    b = b""
    while b"\r\n\r\n" not in b:
        b += s.recv(1)
    said.append(b.split()[1].decode())
send(head + b"x" * 100)
send(b"x" * 19900 + head[:20])
answer()
send(head[20:] + b"x" * 10000)
send(b"x" * 10000)
answer()
print(*said)
EOP
cat >dribble.py <<'EOP'
import socket, sys, time
socks = []
for i in range(int(sys.argv[2])):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    s.sendall(b"POST /webhooks/buildkite HTTP/1.1\r\n")
    socks.append(s)
print("ready", flush=True)
while True:
    for s in socks:
        try:
            s.sendall(b"X")
        except OSError:
            pass
    time.sleep(0.5)
EOP
# A copy, so that what stands beside it is ours.
mkdir own ends endless
for dir in own ends endless; do
	cp "$(command -v tack-http)" $dir
done
cat >own/tack-events <<'EOF2'
#!/bin/sh
# Stands in for tack-events: what it was asked, and no more is to come.
case $* in
-f*)	exec sleep 600 ;;
*-c*)	c=${*##* } ;;
*)	c=0 ;;
esac
echo "{\"created\":$((c + 1)),\"nsid\":\"x\",\"rkey\":\"1\",\"args\":\"$*\"}"
echo "{\"created\":$((c + 2)),\"nsid\":\"x\",\"rkey\":\"2\"}"
EOF2
cat >ends/tack-events <<'EOF2'
#!/bin/sh
echo '{"created":1,"nsid":"x","rkey":"1"}'
printf 'half a li'
EOF2
cat >endless/tack-events <<'EOF2'
#!/bin/sh
exec seq -f '{"created":%.0f,"event":{"status":"pending, of a length"}}' \
    1 1000000000
EOF2
chmod +x own/tack-events ends/tack-events endless/tack-events
head -c 10485760 /dev/zero >ten
head -c 1048576 /dev/zero >one
published='jq -c --unbuffered "{id,outcome:\"published\"}"'

# Usage.
status 'an unknown option is usage' 64 tack-http -x
status 'nothing to serve is usage' 64 tack-http </dev/null
status 'an odd address is usage' 64 tack-http -l nowhere
status 'an odd port is usage' 64 tack-http -l 127.0.0.1:99999
status 'a pipeline that ends at start is a configuration fault' 78 \
    tack-http -l 127.0.0.1:0 -p 'exit 78'
is 'it says so' 'tack-http: pipeline ended at start, see above' \
    "$(tack-http -l 127.0.0.1:0 -p 'exit 78' 2>&1 | tail -1)"
status 'an owner that is no DID is a configuration fault' 78 \
    env TACK_OWNER_DID='x"y' tack-http -l 127.0.0.1:0 -p cat
if command -v tack-verify >/dev/null; then
	status 'an empty secret is a configuration fault' 78 \
	    env TACK_BUILDKITE_WEBHOOK_SECRET= tack-http -l 127.0.0.1:0
fi

status 'a meagre PATH is no harm' 78 env PATH=/usr/bin:/bin \
    "$(command -v tack-http)" -l 127.0.0.1:0 \
    -p 'command -v tack-verify >found; exit 78'
ok 'the tools beside it are found' test -s found

cat >own/tack-logs <<'EOF2'
#!/bin/sh
# Stands in for tack-logs.
echo "$*" >>logs.args
how=$1
[ "$2" = -- ] && shift 2 || exit 64
case $3 in
unknown) exit 66 ;;
odd) exit 75 ;;
dies) kill -9 $$ ;;
later) sleep 1 ;;
esac
echo
[ "$3" = quiet ] ||
	echo "{\"content\":\"$how $1 $2 $3\"}"
case $3 in
fails) exit 75 ;;
half) printf 'half a li' ;;
silent) exec >&- && sleep 1 && exit 0 ;;
waits) exec sleep 600 ;;
goes-on) seq -f '{"content":"line %.0f of a log that goes on"}' 20000; exec sleep 60 ;;
quiet) exec sleep 3 ;;
long) yes '{"content":"a line of a long log, one of very many"}' | head -n 100000 ;;
esac
exit 0
EOF2
chmod +x own/tack-logs

# Slow requests, looked at below.
serve -p 'while read -r line; do :; done'
slow_log=$log slow_pid=$pid
took() {
	began=$(ms)
	"$@" | tr '\n' ' '
	echo $(($(ms) - began))
}
took "$py" raw.py "$port" 'GET / HT' >slow.head &
p1=$!
took "$py" raw.py "$port" \
    'POST /webhooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nxx' \
    >slow.body &
p2=$!
took curl -s -m "$PATIENCE" -o slow.reply -w '%{http_code}\n' -d x \
    "$url/webhooks/x" >slow.answer &
p3=$!

# Routes.
TACK_OWNER_DID=did:plc:abc
export TACK_OWNER_DID
http=$PWD/own/tack-http
serve -p "$published"
http=
unset TACK_OWNER_DID
main_pid=$pid main_log=$log main_port=$port main_url=$url
is '/ answers' 200 "$(code "$url/")"
is '/healthz answers' 200 "$(code "$url/healthz")"
is 'it is ok' ok "$(cat body)"
is 'HEAD of / answers' 200 "$(code -I "$url/")"
is 'POST of / is refused' 405 "$(code -d x "$url/")"
is 'the refusal names what is allowed' 'GET, HEAD' "$(field Allow)"
is 'an unknown path is 404' 404 "$(code "$url/nothing")"
is 'errors have no body' 0 "$(wc -c <body)"
is 'owner answers' 200 "$(code "$url/xrpc/sh.tangled.owner")"
is 'owner is the one configured' '{"owner":"did:plc:abc"}' "$(cat body)"
is 'owner is JSON' application/json "$(field Content-Type)"
is 'owner may be read by any page' '*' \
    "$(field Access-Control-Allow-Origin)"
is 'POST of owner is refused' 405 \
    "$(code -d x "$url/xrpc/sh.tangled.owner")"
is 'an unknown method is 404' 404 "$(code "$url/xrpc/sh.tangled.nothing")"
is 'it is not implemented' MethodNotImplemented "$(jq -r .error body)"
is 'a provider may not have dots' 404 "$(code -d x "$url/webhooks/../x")"
is 'a provider may not be upper case' 404 "$(code -d x "$url/webhooks/X")"
is 'a provider may not be empty' 404 "$(code -d x "$url/webhooks/")"
is 'a slash at the end is no harm' 200 \
    "$(code -d x "$url/webhooks/buildkite/")"
is 'nor are two in a row' 200 "$(code -d x "$url//webhooks//buildkite")"
is 'nor is HTTP/1.0 without a Host' 200 \
    "$("$py" raw.py "$port" 'GET /healthz HTTP/1.0\r\n\r\n')"
is 'HTTP/1.1 has one' 400 \
    "$("$py" raw.py "$port" 'GET /healthz HTTP/1.1\r\n\r\n')"
is 'GET of a webhook is refused' 405 "$(code "$url/webhooks/buildkite")"
is 'a webhook is answered' 200 "$(code -d x "$url/webhooks/buildkite")"
is 'the connection stays' '' "$(field Connection)"
is 'another webhook goes over it' '1 0 ' "$(curl -s -o body -o body \
    -w '%{num_connects} ' -d x "$url/webhooks/x" -d x "$url/webhooks/x")"
code -d x -H 'Connection: close' "$url/webhooks/x" >/dev/null
is 'it is closed for who asks for that' close "$(field Connection)"
code -0 -d x "$url/webhooks/x" >/dev/null
is 'so it is over HTTP/1.0' close "$(field Connection)"
code -0 -d x -H 'Connection: keep-alive' "$url/webhooks/x" >/dev/null
is 'which may ask for it to stay' keep-alive "$(field Connection)"
code "$url/nothing" >/dev/null
is 'an error closes' close "$(field Connection)"
is 'two requests at once have two answers' '200 200 404 ' "$(printf \
    'POST /webhooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxGET / HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n' |
    curl -s -m "$PATIENCE" "telnet://127.0.0.1:$port" | tr -d '\r' |
    sed -n 's/^HTTP.1.1 \(...\).*/\1/p' | tr '\n' ' ')"
is 'one in two parts is answered when it is whole' '200 200' \
    "$("$py" parts.py "$port")"
is 'an empty webhook is answered' 200 \
    "$(code -X POST -H 'Content-Length: 0' "$url/webhooks/buildkite")"
is 'a webhook of 1 MiB is answered' 200 \
    "$(code --data-binary @one "$url/webhooks/buildkite")"
code -H 'Expect: 100-continue' --data-binary @one "$url/webhooks/x" >/dev/null
is 'who expects 100 Continue is told so' 1 "$(grep -c '^HTTP/1.1 100' head.out)"
is 'a body of 10 MiB is refused' 413 \
    "$(code --data-binary @ten "$url/webhooks/buildkite")"
is 'so it is without Expect' 413 \
    "$(code -H Expect: --data-binary @ten "$url/webhooks/buildkite")"
is 'a body of no length is refused' 411 \
    "$(code -H 'Transfer-Encoding: chunked' -d x "$url/webhooks/x")"
is 'a POST of no length is refused' 411 "$("$py" raw.py "$port" \
    'POST /webhooks/x HTTP/1.1\r\nHost: a\r\n\r\n')"
is 'bare line feeds are refused' 400 \
    "$("$py" raw.py "$port" 'GET / HTTP/1.1\nHost: a\n\n')"
is 'TLS is refused' 400 \
    "$("$py" raw.py "$port" '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')"
is 'a head of 17 KiB is refused' 431 \
    "$(code -H "X: $(head -c 17000 /dev/zero | tr '\0' x)" "$url/")"
is 'a sender that has shut its side is answered' 200 "$("$py" raw.py "$port" \
    'POST /webhooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx' half)"
is 'a sender that left early gets nothing' none "$("$py" raw.py "$port" \
    'POST /webhooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx' half)"
start=$(date +%s%N)
seq 100 | xargs -P 16 -I{} curl -s -o /dev/null -w '%{http_code}\n' -d '{}' \
    "$url/webhooks/buildkite" >codes
is 'a hundred share one pipeline' '100 200' \
    "$(sort codes | uniq -c | sed 's/^ *//')"
note "100 webhooks, 16 at once: $((($(date +%s%N) - start) / 1000000)) ms"

# The record.
serve -p 'tee records | jq -c --unbuffered "{id,outcome:\"ignored\"}"'
before=$(date +%s)
code -H 'X-One: 1' -H 'X-Two: a' -H 'x-two: b' --data-binary 'ab' \
    "$url/webhooks/gitea?x=%20y" >/dev/null
until_ok test -s records
is 'method' POST "$(jq -r .request.method records)"
is 'path' /webhooks/gitea "$(jq -r .request.path records)"
is 'query' x=%20y "$(jq -r .request.query records)"
is 'a header, by its lower-case name' 1 \
    "$(jq -r '.request.headers["x-one"]' records)"
is 'a repeated header is an array' '["a","b"]' \
    "$(jq -c '.request.headers["x-two"]' records)"
is 'body in base64' ab "$(jq -r '.request.body | @base64d' records)"
ok 'the time is now' jq -e --argjson before "$before" \
    '.request.at | . >= $before and . <= now' records
is 'ids are counted' "$pid-1" "$(jq -r .id records)"
head -c 700000 /dev/urandom >long
code --data-binary @long "$url/webhooks/gitea" >/dev/null
tail -n 1 records | jq -r .request.body | base64 -d >long.record
ok 'a body that comes in many pieces is whole' cmp long long.record
kill "$pid"

# Outcomes.
serve -p 'sed -u /ZGll/Q | # at "die"
    jq -c --unbuffered "(.request.body | @base64d | fromjson) + {id}"'
while read -r outcome want; do
	is "$outcome is $want" "$want" \
	    "$(code -d "{\"outcome\":\"$outcome\"}" "$url/webhooks/x")"
done <<'EOF2'
published 200
duplicate 200
stale 200
foreign 200
ignored 200
unauthorized 401
malformed 400
failed 422
deferred 503
strange 503
EOF2
is 'no outcome is 503' 503 "$(code -d '{}' "$url/webhooks/x")"
is 'which says when to try again' 5 "$(field Retry-After)"
ok 'no outcome is logged' contains '503: no outcome' "$log"
is 'a pipeline that dies over a request is 503' 503 \
    "$(code -d die "$url/webhooks/x")"
ok 'at once, not when its time is over' \
    sh -c "! grep -q 'no answer in time' '$log'"
is 'it is started again' 200 \
    "$(code -d '{"outcome":"ignored"}' "$url/webhooks/x")"
kill "$pid"

# Dribblers.
serve -m 16 -p "$published"
mkfifo ready
"$py" dribble.py "$port" 60 >ready &
dribblers=$!
read -r _ <ready
start=$(date +%s%N)
for _ in 1 2 3 4 5 6 7 8 9 10; do
	code -d '{}' "$url/webhooks/buildkite"
	echo
done >codes
is '60 dribblers do not stop ten honest senders' '10 200' \
    "$(sort codes | uniq -c | sed 's/^ *//')"
note "10 webhooks: $((($(date +%s%N) - start) / 1000000)) ms"
kill "$dribblers" "$pid"

# Events.
port=$main_port url=$main_url
is 'GET of events without upgrade is 400' 400 "$(code "$url/events")"
is 'the process stays up' 200 "$(code "$url/healthz")"
is 'POST of events is refused' 405 "$(code -d x "$url/events")"
is 'version 8 is 426' 426 "$(code -H 'Upgrade: websocket' \
    -H 'Connection: Upgrade' -H 'Sec-WebSocket-Version: 8' \
    -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "$url/events")"
is '426 names the version' 13 "$(field Sec-WebSocket-Version)"
is 'a short key is 400' 400 "$(code -H 'Upgrade: websocket' \
    -H 'Connection: Upgrade' -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: dGhl' "$url/events")"
is 'an Origin elsewhere is 403' 403 \
    "$("$py" client.py "$port" origin http://evil.example)"
is 'the null Origin is 403' 403 "$("$py" client.py "$port" origin null)"
is 'an Origin of this host is served' 101 \
    "$("$py" client.py "$port" origin https://A)"
is 'lines are frames' 2 "$("$py" client.py "$port" lines /events 2 | jq -s length)"
is 'no cursor' '' \
    "$("$py" client.py "$port" lines /events 1 | jq -r .args)"
is 'a negative cursor' '-c -5' \
    "$("$py" client.py "$port" lines '/events?cursor=-5' 1 | jq -r .args)"
is 'a cursor in words is none' '' \
    "$("$py" client.py "$port" lines '/events?cursor=1;id' 1 | jq -r .args)"
is 'an empty cursor is none' '' \
    "$("$py" client.py "$port" lines '/events?cursor=' 1 | jq -r .args)"
is 'text, binary and fragments are discarded' 'pong hi' \
    "$("$py" client.py "$port" junk)"
is 'a frame with the head is read' 'pong hi' "$("$py" client.py "$port" early)"
is 'a message of 10 MB is 1009' 1009 "$("$py" client.py "$port" big)"
is 'so it is in fragments' 1009 "$("$py" client.py "$port" fragments)"
is 'a frame without a mask is 1002' 1002 "$("$py" client.py "$port" unmasked)"
is 'reserved bits are 1002' 1002 "$("$py" client.py "$port" reserved)"
is 'an unknown opcode is 1002' 1002 "$("$py" client.py "$port" opcode)"
is 'a Ping too long is 1002' 1002 "$("$py" client.py "$port" longping)"
is 'text not in UTF-8 is 1007' 1007 "$("$py" client.py "$port" utf8)"
is 'a Close is answered' "1000 b''" "$("$py" client.py "$port" close)"
is '200000 Pings do no harm' survived "$("$py" client.py "$port" flood)"
if "$py" -c 'import websockets' 2>/dev/null; then
	is 'python websockets reads the stream' '1 2' "$("$py" -c '
import asyncio, json, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1]) as ws:
        print(*[json.loads(await ws.recv())["rkey"] for _ in range(2)])
asyncio.run(main())' "ws://127.0.0.1:$port/events")"
else
	skip 'python websockets reads the stream' 'no python3-websockets'
fi
if [ -d "$TOP/tests/node_modules/ws" ]; then
	is 'node ws reads the stream' '1 2' "$(NODE_PATH=$TOP/tests/node_modules \
	    node -e '
const ws = new (require("ws"))(process.argv[1]), keys = [];
ws.on("message", (m) => {
	keys.push(JSON.parse(m).rkey);
	if (keys.length == 2) { console.log(keys.join(" ")); ws.close(); }
});' "ws://127.0.0.1:$port/events")"
else
	skip 'node ws reads the stream' 'no tests/node_modules/ws'
fi
one_feeder() {
	[ "$(pgrep -cP "$main_pid" sleep)" -eq 1 ]
}
soon 'all who caught up have one feeder' one_feeder
http=$PWD/own/tack-http
serve -p cat
http=
is 'a cursor of 19 digits' '-c 1763899999123456789' "$("$py" client.py "$port" \
    lines '/events?a=b&cursor=1763899999123456789' 1 | jq -r .args)"
kill "$pid"
port=$main_port url=$main_url

# Logs.
http=$PWD/own/tack-http
serve -p cat
logs_pid=$pid
http=
done='1000 log stream complete'
is 'a log is followed to its end' "{\"content\":\"-bf k.example:3000 3lh ci.yml\"}
$done" "$("$py" client.py "$port" logs /k.example:3000/3lh/ci.yml)"
is 'by one process' '-bf -- k.example:3000 3lh ci.yml' "$(cat logs.args)"
is 'a log that is looked up slowly comes' '{"content":"-bf k 3lh later"}' \
    "$("$py" client.py "$port" logs /k/3lh/later | sed -n 1p)"
is 'one that has no line yet is there' 200 "$(curl -s -m 2 -o body \
    -w '%{http_code}' "$url/logs/k/3lh/quiet")"
is 'brackets may be as they are' "{\"content\":\"-bf k 3lh ci[1].yml\"}
$done" "$("$py" client.py "$port" logs '/k/3lh/ci[1].yml')"
is 'segments are decoded' "{\"content\":\"-bf k 3lh a b\"}
$done" "$("$py" client.py "$port" logs /k/3lh/a%20b)"
is 'none is an option' "{\"content\":\"-bf -f -n --\"}
$done" "$("$py" client.py "$port" logs /-f/-n/--)"
is 'an unknown log is 404' 404 "$("$py" client.py "$port" logs /k/3lh/unknown)"
is 'trouble is 503' 503 "$("$py" client.py "$port" logs /k/3lh/odd)"
is 'so is a death' 503 "$("$py" client.py "$port" logs /k/3lh/dies)"
is 'a log that fails is 1011' '1011 ' \
    "$("$py" client.py "$port" logs /k/3lh/fails | tail -1)"
is 'half a line of a log is not sent' "{\"content\":\"-bf k 3lh half\"}
$done" "$("$py" client.py "$port" logs /k/3lh/half)"
is 'a log is whole when its program has said so' "$done" \
    "$("$py" client.py "$port" logs /k/3lh/silent | tail -1)"
is 'a long log comes whole' 100002 \
    "$("$py" client.py "$port" logs /k/3lh/long | wc -l)"
"$py" client.py "$port" logs /k/3lh/goes-on >goes-on &
goes_on=$!
all_there() {
	[ "$(wc -l <goes-on)" -eq 20001 ]
}
until_ok all_there
"$py" client.py "$port" lines /logs/k/3lh/goes-on 20001 >late
ok 'who follows a long log late gets all of it' cmp goes-on late
kill "$goes_on"
is 'a log in curl is what there is until now' \
    '{"content":"-b k 3lh waiting"}' "$(curl -s -m "$PATIENCE" "$url/logs/k/3lh/waiting")"
is 'it is NDJSON' '200 application/x-ndjson' \
    "$(code "$url/logs/k/3lh/ci.yml") $(field Content-Type)"
is 'so it is over HTTP/1.0' '{"content":"-b k 3lh ci.yml"}' \
    "$(curl -s -0 -m "$PATIENCE" "$url/logs/k/3lh/ci.yml")"
is 'a long one comes whole' 100001 "$(curl -s -m "$PATIENCE" "$url/logs/k/3lh/long" | wc -l)"
status 'one that fails is not taken for whole' 18 \
    curl -s -m "$PATIENCE" "$url/logs/k/3lh/fails"
is 'in curl an unknown log is 404 too' 404 "$(code "$url/logs/k/3lh/unknown")"
is 'in words' 'There is no log of such a run: it is not known here yet, or no longer.' \
    "$(curl -s -m "$PATIENCE" "$url/logs/k/3lh/unknown")"
is 'and trouble 503' 503 "$(code "$url/logs/k/3lh/odd")"
is 'POST of a log is refused' 405 "$(code -d x "$url/logs/k/3lh/ci.yml")"
for path in k k/r k/r/ k//w /r/w k/r/w/x k/r/%00 k/r/a%0a k/r/%7f \
    k/r/%g0 k/r/% k/r/%4 "k/r/$(head -c 600 /dev/zero | tr '\0' x)"; do
	is "/logs/$(printf %.9s "$path") is refused" 400 \
	    "$(code "$url/logs/$path")"
done
is 'an Origin elsewhere has no log' 403 "$(code -H 'Upgrade: websocket' \
    -H 'Connection: Upgrade' -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \
    -H 'Origin: http://evil.example' "$url/logs/k/3lh/ci.yml")"
no_children() {
	! pgrep -P "$logs_pid" sleep
}
"$py" client.py "$port" logs /k/3lh/waits >waits &
waits=$!
until_ok test -s waits
kill "$waits"
soon 'a follower whose reader left is ended' no_children
"$py" client.py "$port" logs /k/3lh/waits >waits.end &
waits=$!
until_ok test -s waits.end
kill "$logs_pid"
wait "$logs_pid" "$waits"
is 'SIGTERM ends a log with 1001' '1001 ' "$(tail -1 waits.end)"

http=$PWD/own/tack-http
serve -m 4 -p cat
http=
for i in 1 2 3; do
	"$py" client.py "$port" logs /k/3lh/waits >waits.$i &
	until_ok test -s waits.$i
done
is 'three of four connections may be logs' 503 \
    "$("$py" client.py "$port" logs /k/3lh/ci.yml)"
is 'the fourth is for requests' 200 "$(code "$url/healthz")"
kill "$pid"
wait "$pid"

http=$PWD/ends/tack-http
serve -p cat
http=
is 'a streamer that ends is 1011' 1011 "$("$py" client.py "$port" code)"
is 'half a line is not sent' 1 "$("$py" client.py "$port" lines /events 1 | wc -l)"
kill "$pid"

http=$PWD/endless/tack-http
serve -p cat
"$py" client.py "$port" stuck &
stuck=$!
sleep 1
rss=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
if [ -n "${TACK_SANITIZE-}" ]; then
	skip 'a reader that is stuck costs little memory' 'sanitizers'
else
	ok 'a reader that is stuck costs little memory' test "$rss" -lt 16384
fi
note "stuck reader, endless stream: $rss kB resident"
is 'other readers are served' 1000 \
    "$("$py" client.py "$port" lines /events 1000 | wc -l)"
kill "$stuck" "$pid"
if [ -n "${TACK_SLOW-}" ]; then
	after=$("$py" client.py "$main_port" ping)
	note "a Ping after $after s"
	ok 'a Ping after 30 s, not before' [ "$after" -ge 30 ]
	serve -p cat
	"$py" client.py "$port" stuck &
	stuck=$!
	soon 'a reader stuck for 30 s is dropped' contains 'reader stuck' "$log"
	kill "$stuck" "$pid"
else
	skip 'a Ping after 30 s, not before' 'TACK_SLOW is not set'
	skip 'a reader stuck for 30 s is dropped' 'TACK_SLOW is not set'
fi

http=
# The end.
rm -f opened
"$py" client.py "$main_port" code >bye &
bye=$!
until_ok test -e opened
kill "$main_pid"
wait "$main_pid"
is 'SIGTERM is a clean end' 0 $?
wait "$bye"
is 'subscribers are told 1001' 1001 "$(cat bye)"
ok 'nothing of a request is in the log' test \
    "$(grep -c 'evil\|dGhl\|cursor' "$main_log")" -eq 0

# The real pipeline.
secret=correct-horse
body='{"event":"build.running","build":{"id":"b1","number":7,"state":"running",'
body=$body'"web_url":"https://buildkite.com/o/p/builds/7","meta_data":'
body=$body'{"tack:knot":"knot.example","tack:pipeline_rkey":"3lhjx2xqdrc2k",'
body=$body'"tack:workflow":"ci.yml"}},"pipeline":{"slug":"p"},'
body=$body'"organization":{"slug":"o"}}'
sign() {
	printf '%s.%s' "$1" "$body" | openssl dgst -sha256 -hmac "$2" |
	    sed 's/.* //'
}
post() {
	at=$(date +%s)
	code -H "X-Buildkite-Signature: timestamp=$at,signature=$(sign "$at" \
	    "$1")" -H 'X-Buildkite-Event: build.running' \
	    -H 'Content-Type: application/json' -d "$body" "$2"
}
if command -v tack-verify >/dev/null && command -v tack-resolve >/dev/null &&
    command -v tack-status >/dev/null && command -v tack-events >/dev/null
then
	real=1
	TACK_DB_PATH=$TMP/tack.db
	TACK_BUILDKITE_WEBHOOK_SECRET=$secret
	export TACK_DB_PATH TACK_BUILDKITE_WEBHOOK_SECRET
	ok 'a database' tack-init
	serve
	is 'a forged webhook is 401' 401 "$(post wrong "$url/webhooks/buildkite")"
	is 'a webhook without signature is 401' 401 \
	    "$(code -d "$body" "$url/webhooks/buildkite")"
	"$py" client.py "$port" lines /events 1 >live &
	live=$!
	is 'a signed webhook is 200' 200 "$(post $secret \
	    "$url/webhooks/buildkite")"
	wait "$live"
	is 'a subscriber sees it' sh.tangled.pipeline.status \
	    "$(jq -r .nsid live)"
	is 'its repetition is 200' 200 "$(post $secret \
	    "$url/webhooks/buildkite")"
	created=$(sed -n 's/.*"created":\([0-9]*\).*/\1/p' live)
	is 'created has 19 digits' 19 "${#created}"
	is 'a cursor before it sends it again, once' "$(jq -c . live)" \
	    "$("$py" client.py "$port" lines "/events?cursor=$((created - 1))" 1 |
	    jq -c .)"
	kill "$pid"
else
	real=
	skip 'a signed webhook is 200' 'the filters are not built'
	set -- -p "$published"
fi
if [ -n "$real" ]; then
	set --
fi
want=$(if [ -n "$real" ]; then echo 401; else echo 200; fi)
if [ -n "$real" ]; then
	http=$(command -v tack-http)
else
	http=$PWD/own/tack-http
fi

# One connection, or a listening socket, from someone else: facts for both.
peer() {
	is "$1: / answers" 200 "$(code "http://127.0.0.1:$p/")"
	is "$1: a signed webhook is 200" 200 \
	    "$(post "$secret" "http://127.0.0.1:$p/webhooks/buildkite")"
	is "$1: a forged one is $want" "$want" \
	    "$(post wrong "http://127.0.0.1:$p/webhooks/buildkite")"
	is "$1: 10 MiB are refused" 413 \
	    "$(code --data-binary @ten "http://127.0.0.1:$p/webhooks/x")"
	is "$1: events stream" 1 \
	    "$("$py" client.py "$p" lines /events 1 | wc -l)"
}

cat >run <<EOF2
#!/bin/sh
PATH='$PATH' TACK_SHARE='$TACK_SHARE' TACK_DB_PATH='${TACK_DB_PATH-}'
export PATH TACK_SHARE TACK_DB_PATH
${real:+export TACK_BUILDKITE_WEBHOOK_SECRET=$secret}
exec $http${1:+ -p '$2'}
EOF2
chmod +x run

if command -v inetd >/dev/null; then
	# shellcheck disable=SC2086
	for how in nowait wait; do
		p=$(free_port)
		echo "127.0.0.1:$p stream tcp $how $(id -un) $PWD/run run" \
		    >inetd.conf
		inetd -d inetd.conf >inetd.log 2>&1 &
		inetd=$!
		until_ok curl -s "http://127.0.0.1:$p/"
		peer "inetd $how"
		waiting=$(pgrep -P "$inetd")
		kill "$inetd" $waiting
	done
else
	skip 'inetd' 'no inetd'
fi
if command -v systemd-socket-activate >/dev/null; then
	for how in '' '--accept' '--inetd' '--accept --inetd'; do
		p=$(free_port)
		# shellcheck disable=SC2086
		systemd-socket-activate $how -l "127.0.0.1:$p" "$PWD/run" \
		    >systemd.log 2>&1 &
		systemd=$!
		until_ok curl -s "http://127.0.0.1:$p/"
		peer "systemd-socket-activate${how:+ $how}"
		kill "$systemd"
	done
else
	skip 'systemd-socket-activate' 'not there'
fi
if command -v tcpserver >/dev/null; then
	p=$(free_port)
	tcpserver -RHl0 127.0.0.1 "$p" "$PWD/run" >tcpserver.log 2>&1 &
	tcpserver=$!
	until_ok curl -s "http://127.0.0.1:$p/"
	peer tcpserver
	kill "$tcpserver"
else
	skip 'tcpserver' 'no ucspi-tcp'
fi

# The slow requests of the beginning.
wait "$p1" "$p2" "$p3"
read -r head head_ms <slow.head
read -r body body_ms <slow.body
read -r answer answer_ms <slow.answer
is 'a slow head is 408' 408 "$head"
is 'a slow body is 408' 408 "$body"
is 'a pipeline that says nothing is 503' 503 "$answer"
note "after $head_ms, $body_ms, $answer_ms ms"
ok 'a head has less time than the pipeline' [ "$head_ms" -lt "$answer_ms" ]
ok 'a body has no more, or little' [ "$body_ms" -lt $((2 * answer_ms)) ]
ok 'it is logged' contains 'no answer in time' "$slow_log"
kill "$slow_pid"

done_testing
