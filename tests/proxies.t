#!/bin/sh
# SPDX-License-Identifier: ISC
# The examples of what stands in front of tack-http, by the real programs:
# every route of tack-http -n is asked through each, and directly.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
py=/usr/bin/python3
chmod 711 "$TMP" # nginx's workers are not who started it

mkdir own
cp "$(command -v tack-http)" own
cat >own/tack-events <<'E2'
#!/bin/sh
case $* in
-f*)	exec sleep 600 ;;
esac
echo '{"created":1,"event":{}}'
E2
cat >own/tack-logs <<'E2'
#!/bin/sh
echo
echo "{\"content\":\"$*\"}"
E2
chmod +x own/tack-events own/tack-logs

free_port() {
	"$py" -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem \
    -days 1 -subj /CN=spindle.example.org 2>/dev/null
cat cert.pem key.pem >both.pem
TACK_OWNER_DID=did:plc:abc own/tack-http -l 127.0.0.1:0 \
    -p 'jq -c --unbuffered "{id,outcome:\"published\"}"' 2>http.log &
http=$!
until port=$(sed -n 's/.*listening on 127.0.0.1://p' http.log) &&
    [ -n "$port" ]; do
	sleep 0.1
done
tack-http -n >routes
ok 'tack-http tells its routes' grep -q '^/events	GET	WebSocket$' routes

cat >ask.py <<'E2'
"""ask.py PORT tls|plain: what each route answers, a line each; or
ask.py PORT tls|plain REQUEST [BODY]: the status of one request."""
import base64, socket, ssl, sys

port, tls = int(sys.argv[1]), sys.argv[2] == "tls"
WORDS = {"KNOT": "knot.example:3000", "RKEY": "3lhjx2xqdrc2k",
    "WORKFLOW": "ci[1].yml", "PROVIDER": "buildkite"}

def connect():
    s = socket.create_connection(("127.0.0.1", port), 10)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        s = context.wrap_socket(s, server_hostname="spindle.example.org")
    return s

def ask(request, body=b"", websocket=False):
    """The status, and the body or the first frame."""
    with connect() as s:
        s.sendall(request.encode() + body)
        reply, want = b"", b"\r\n\r\n"
        while want not in reply:
            more = s.recv(4096)
            if not more:
                return "none", b""
            reply += more
        head, rest = reply.split(want, 1)
        status = head.split()[1].decode()
        if websocket and status == "101":
            while len(rest) < 2 or len(rest) < 2 + rest[1]:
                rest += s.recv(4096)
            return status, rest[2:2 + rest[1]]
        while True:
            more = s.recv(4096)
            if not more:
                break
            rest += more
        if b"chunked" in head.lower():
            text, at = b"", 0
            while True:
                n, rest = rest.split(b"\r\n", 1)
                if int(n, 16) == 0:
                    break
                text, rest = text + rest[:int(n, 16)], rest[int(n, 16) + 2:]
            rest = text
        return status, rest

def head(method, path, *fields):
    return "\r\n".join([method + " " + path + " HTTP/1.1",
        "Host: spindle.example.org", *fields, "", ""])

if len(sys.argv) > 3:
    body = sys.argv[4].encode().decode("unicode_escape").encode() \
        if len(sys.argv) > 4 else b""
    print(ask(sys.argv[3].encode().decode("unicode_escape"), body)[0])
    sys.exit()
for line in open("routes"):
    path, methods, *upgrades = line.rstrip("\n").split("\t")
    path = "/".join(WORDS.get(word, word) for word in path.split("/"))
    for method in methods.split(", "):
        body = b"{}" if method == "POST" else b""
        fields = ["Connection: close"]
        if body:
            fields.append("Content-Length: %d" % len(body))
        print(method, path, *ask(head(method, path, *fields), body))
    if upgrades:
        print("WebSocket", path, *ask(head("GET", path,
            "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " +
            base64.b64encode(b"x" * 16).decode()), b"", True))
E2
"$py" ask.py "$port" plain >direct 2>direct.err
ok 'directly each WebSocket opens' sh -c \
    '[ "$(grep -c "^WebSocket .* 101 b.{" direct)" -eq \
    "$(grep -c WebSocket routes)" ]'
ok 'and nothing is missing' sh -c '! grep -E " (404|none|5..) " direct'
head -c 2000000 /dev/zero | tr '\0' x >big

# facts NAME: asked through the proxy at $front, all is as it is directly.
facts() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ "$("$py" ask.py "$front" tls \
		    'GET /healthz HTTP/1.0\r\nHost: spindle.example.org\r\n\r\n' \
		    2>/dev/null)" = 200 ] && break
		sleep 0.2
	done
	"$py" ask.py "$front" tls >"$1.through" 2>"$1.err"
	diff direct "$1.through" >"$1.diff" 2>&1
	ok "$1: every route answers as it does directly" \
	    sh -c "cat $1.diff $1.err; [ ! -s $1.diff ]"
	is "$1: HTTP/1.0 is served" 200 "$("$py" ask.py "$front" tls \
	    'GET /healthz HTTP/1.0\r\nHost: spindle.example.org\r\n\r\n')"
	# Caddy may break off while the sender still sends.
	large=$(curl -s -k -m 10 --http1.1 \
	    --resolve "spindle.example.org:$front:127.0.0.1" -o /dev/null \
	    -w '%{http_code}' --data-binary @big -H Expect: \
	    "https://spindle.example.org:$front/webhooks/buildkite")
	note "$1: two megabytes: $large"
	ok "$1: a body of two megabytes is not taken" [ "$large" != 200 ]
	chunked=$("$py" ask.py "$front" tls \
	    'POST /webhooks/buildkite HTTP/1.1\r\nHost: spindle.example.org\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n' \
	    '2\r\n{}\r\n0\r\n\r\n')
	is "$1: a body in chunks is $2" "$2" "$chunked"
}

proxies=$TOP/share/examples/proxy
if command -v nginx >/dev/null; then
	front=$(free_port)
	{
		echo "daemon off; pid $TMP/nginx.pid; error_log $TMP/nginx.log;"
		echo 'events { } http { access_log off;'
		for dir in client_body proxy fastcgi uwsgi scgi; do
			echo "${dir}_temp_path $TMP/nginx.$dir;"
		done
		sed -e "s/443 ssl/127.0.0.1:$front ssl/" \
		    -e "s#/etc/ssl/spindle.example.org.pem#$TMP/cert.pem#" \
		    -e "s#/etc/ssl/spindle.example.org.key#$TMP/key.pem#" \
		    -e "s/127.0.0.1:8080/127.0.0.1:$port/" "$proxies/nginx.conf"
		echo '}'
	} >nginx.conf
	nginx -p "$TMP" -e "$TMP/nginx.log" -c "$TMP/nginx.conf" \
	    >nginx.out 2>&1 &
	proxy=$!
	facts nginx 200
	kill "$proxy"
	wait "$proxy"
else
	ok 'nginx # SKIP not there' true
fi
if command -v haproxy >/dev/null; then
	front=$(free_port)
	sed -e "s/bind :443/bind 127.0.0.1:$front/" \
	    -e "s#/etc/ssl/spindle.example.org.both.pem#$TMP/both.pem#" \
	    -e "s/127.0.0.1:8080/127.0.0.1:$port/" "$proxies/haproxy.cfg" \
	    >haproxy.cfg
	haproxy -db -f haproxy.cfg >haproxy.out 2>&1 &
	proxy=$!
	facts HAProxy 411
	kill "$proxy"
	wait "$proxy"
else
	ok 'HAProxy # SKIP not there' true
fi
if command -v caddy >/dev/null; then
	front=$(free_port)
	{
		echo '{
			admin off
			auto_https disable_redirects
		}'
		sed -e "s#^spindle.example.org {#https://spindle.example.org:$front {\n\tbind 127.0.0.1\n\ttls $TMP/cert.pem $TMP/key.pem#" \
		    -e "s/127.0.0.1:8080/127.0.0.1:$port/" "$proxies/Caddyfile"
	} >Caddyfile
	HOME=$TMP XDG_DATA_HOME=$TMP XDG_CONFIG_HOME=$TMP \
	    caddy run --config Caddyfile --adapter caddyfile >caddy.out 2>&1 &
	proxy=$!
	facts Caddy 411
	kill "$proxy"
	wait "$proxy"
else
	ok 'Caddy # SKIP not there' true
fi
kill "$http"
wait "$http"
done_testing
