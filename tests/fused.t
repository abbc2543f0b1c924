#!/bin/sh
# SPDX-License-Identifier: ISC
# tack-webhook does what tack-verify | tack-resolve | tack-status do: the same
# bytes, the same database, the same words, but for the time.
. "$(dirname "$0")/lib.sh"
export TACK_BUILDKITE_WEBHOOK_SECRET=29b1ff5779c76bd48ba6705eb99ff970

# Requests: signed, forged, stale and junk ones of all fixtures.
cat >requests.py <<'EOP'
import base64, glob, hashlib, hmac, json, os, random, sys
data = sys.argv[1]
secret = os.environ["TACK_BUILDKITE_WEBHOOK_SECRET"].encode()
at = 1787300942
n = 0
lines = []

def request(body, signature=None, now=at, path="/webhooks/buildkite", **more):
    global n
    n += 1
    if signature is None:
        t = str(now - 2)
        mac = hmac.new(secret, t.encode() + b"." + body, hashlib.sha256)
        signature = f"timestamp={t},signature={mac.hexdigest()}"
    headers = {"host": "a", "content-type": "application/json",
        "x-buildkite-signature": signature, "x-buildkite-event": "x"}
    headers.update(more)
    return {"id": f"1-{n}", "request": {"method": "POST", "path": path,
        "query": "", "headers": headers, "body":
        base64.b64encode(body).decode(), "at": now}}

def add(record):
    lines.append(json.dumps(record, separators=(",", ":"),
        ensure_ascii=False))

bodies = []
for name in sorted(glob.glob(f"{data}/buildkite/webhook-*.json")):
    if not name.endswith(".expect.json"):
        bodies.append(open(name, "rb").read())
for body in bodies:
    add(request(body))
for line in open(f"{data}/buildkite/signatures.tsv"):
    f = line.rstrip("\n").split("\t")
    if not line.startswith("#") and f[1] == "signature" \
            and f[0].startswith("webhook-"):
        body = open(f"{data}/buildkite/{f[0]}", "rb").read()
        add(request(body, f[4], int(f[5])))

one = json.loads(next(b for b in bodies if b"build.running" in b))
def build(i, **members):
    b = json.loads(json.dumps(one))
    b["build"]["id"] = f"8ae73a15-0000-4000-8000-{i:012d}"
    b["build"]["meta_data"]["tack:pipeline_rkey"] = f"3lhjx2xq{i:05d}"
    b["build"].update(members)
    return b

# Lives of builds, out of order; words that want escaping; two claims to one.
lives = []
for i, names in enumerate([("scheduled", "running", "passed"),
        ("running", "failed", "running", "passed"), ("canceled", "running"),
        ("running", "blocked", "running"), ("unheard-of", "running")]):
    for j, state in enumerate(names):
        b = build(i, state=state)
        b["build"]["started_at"] = f"2026-08-24 13:0{j}:40 UTC"
        if state in ("passed", "failed", "canceled"):
            b["build"]["finished_at"] = f"2026-08-24T13:1{j}:40.5Z"
        lives.append(b)
    lives.append(json.loads(json.dumps(lives[-1])))
for i, word in enumerate(['a"b\\c', "tab\there", "h\u00e9\u4e2d\U0001f600",
        "del\u007f\u0085\u202e", "\u2028\u2029", "", " ", "nul\u0000"]):
    b = build(100 + i)
    b["build"]["meta_data"]["tack:workflow"] = word
    lives.append(b)
for i, word in enumerate([17, None, True, 1.5, 10**20, [], {}, "-0"]):
    b = build(200 + i, number=word, web_url=word)
    lives.append(b)
b = build(1)
b["build"]["id"] = "another"
lives.append(b)
random.Random(7).shuffle(lives)
for b in lives:
    add(request(json.dumps(b, ensure_ascii=n % 2 == 0, indent=n % 3 or None)
        .encode()))
for b in lives[:10]:
    add(request(json.dumps(b).encode()))

# Forged and junk.
body = bodies[0]
add(request(body, "timestamp=1787300940,signature=" + "0" * 64))
add(request(body, ""))
add(request(body, ["a", "b"]))
add(request(body, path="/webhooks/nobody"))
add(request(body, path="/webhooks/../x"))
add(request(body, **{"content-encoding": "gzip"}))
add(request(b"not JSON"))
add(request(b"[]"))
add(request(b"{}"))
add(request(b""))
add(request(b'{"event":"build.running"}'))
add(request(b'{"event":"build.running","build":{"id":7}}'))
add(request(b'{"event":17}'))
add(request(b'\xff\xfe'))
for text in ("Zg=", "Z", "Zh==", "Zg==\n", "", None, 5, {"a": 1}):
    r = request(body)
    r["request"]["body"] = text
    add(r)
for text in ("soon", -1, 1e300, None):
    r = request(body)
    r["request"]["at"] = text
    add(r)
r = request(body)
lines.append(json.dumps(r).replace('"body": "', '"body": "\\u0065'))
lines.append(json.dumps(r).replace('"body": "e', '"body": "\\u0065'))
lines.append(json.dumps(r).replace('"body": ', '"body": "Zg==", "body": '))
lines.append(json.dumps(r).replace('"request": ', '"request": 1, "request": '))
lines.append(json.dumps(r)[:-1] + ', "request": 1}')
lines.append(json.dumps(r).replace("{", " { ").replace(",", "\t, "))
r["payload"] = {"event": "build.running"}
add(r)
r = request(body)
r["more"] = {"kept": [1, 2.5, "x\u007f"]}
add(r)
del r["id"]
add(r)
add({"id": "1-0", "request": {}})
add({"id": "1-0", "request": None})
add({"id": "1-0"})
add({"id": "1-0", "outcome": "ignored", "request": {"kept": True}})
lines += ["", "junk", "[]", "17", '{"a":1', '{"request":{"body":"' + "\x01"]
print("\n".join(lines))
EOP
/usr/bin/python3 requests.py "$DATA" >requests
note "$(wc -l <requests) requests"

timeless() {
	sed -e 's/"createdAt":"[^"]*"/"createdAt":"T"/g' \
	    -e 's/"cursor":"[^"]*"/"cursor":"C"/g'
}

# What the database has come to, but for times.
contents() {
	for table in build status event; do
		sqlite3 -json tack.db "SELECT * FROM $table" | jq -Sc '.[] |
		    del(.created_at, .published_at, .created, .rkey, .before) |
		    if .event | type == "string" then
			.event |= (fromjson | del(.createdAt))
		    else del(.event) end'
	done | sort
}

processes() {
	tack-verify 2>err.1 | tack-resolve 2>err.2 | tack-status 2>err.3
}

# A way, NAME command...: its output, its database, its words.
way() {
	name=$1
	shift
	rm -f tack.db*
	tack-init
	sqlite3 tack.db "${sql-}"
	"$@" <requests >all 2>err
	timeless <all >"$name.out"
	contents >"$name.db"
	cat err err.? 2>/dev/null | sed 's/^tack-[a-z]*: //' | sort >"$name.err"
	rm -f err err.?
}

# A process a request, so that each is a batch.
alone() {
	while read -r line; do
		printf '%s\n' "$line" | tack-webhook
	done
}

both() {
	way pipe processes
	way fused tack-webhook
	ok "$1: the same bytes" cmp pipe.out fused.out
	ok "$1: the same database" cmp pipe.db fused.db
	# Line numbers are of the input, which the later two see less of.
	for name in pipe fused; do
		sed 's/^stdin:[0-9]*: //' "$name.err" | sort >"$name.said"
	done
	ok "$1: the same words" cmp pipe.said fused.said
}

both 'all at once'
way alone alone
ok 'one by one: the same bytes' cmp pipe.out alone.out
ok 'one by one: the same database' cmp pipe.db alone.db
note "$(jq -r .outcome pipe.out | sort | uniq -c | tr -s ' \n' ' ')"
for outcome in published duplicate stale foreign ignored unauthorized malformed
do
	ok "some are $outcome" grep -q "\"outcome\":\"$outcome\"" fused.out
done
status 'a line that is no record is 1 for both' 1 tack-webhook <requests

(umask 077 && echo 'key of the seals, 32 bytes or more' >seal.key)
export TACK_SEAL_KEY_FILE="$TMP/seal.key" TACK_REQUIRE_SEALED_REF=1
both 'seals required'
ok 'some have none' grep -q 'no valid seal' fused.out
unset TACK_REQUIRE_SEALED_REF TACK_SEAL_KEY_FILE
export TACK_WEBHOOK_TOLERANCE=0
both 'no clock'
unset TACK_WEBHOOK_TOLERANCE
sql="CREATE TRIGGER refuse BEFORE INSERT ON build
    BEGIN SELECT raise(ABORT, 'refused'); END" both 'a reference not saved'
ok 'its status is out' grep -q '"outcome":"published"' fused.out

# A forged webhook does not wait for the database, which a genuine one does.
rm -f tack.db*
tack-init
mkfifo gate in
flock tack.db-lock sh -c 'echo; read -r _ <gate' >held &
holder=$!
until_ok test -s held
tack-webhook <in >out 2>err &
webhook=$!
exec 3>in
grep '"1-1"' requests | sed 's/"body":"ey/"body":"eyA/' >&3
until_ok test -s out
ok 'a forged one is answered while another holds the lock' \
    grep -qE '"outcome":"(unauthorized|malformed)"' out
echo >gate
wait "$holder"
exec 3>&-
wait "$webhook"
is 'and that was all' 0 $?

# As for any filter.
status 'usage' 64 tack-webhook -x
status 'usage: a word' 64 tack-webhook word
status 'usage: an odd tolerance' 64 tack-webhook -t soon
status 'an odd tolerance in the environment' 78 \
    env TACK_WEBHOOK_TOLERANCE=soon tack-webhook
status 'no database' 66 tack-webhook -d nothing.db </dev/null
status 'empty input' 0 tack-webhook </dev/null
status 'a full disk' 74 sh -c 'tack-webhook <requests >/dev/full'
done_testing
