#!/bin/sh
# SPDX-License-Identifier: ISC
# Nothing that a stranger wrote may steer the terminal of who reads it.
. "$(dirname "$0")/lib.sh"

cat >hostile.py <<'PY'
import base64, json, random, re, sys

rng = random.Random(1979)
SEQUENCES = ["\x1b[2J", "\x1b]0;t\x07", "\x1b[31m", "\x9b2J", "\x9d0;t\x9c",
    "\x08\x08", "\r", "\n", "\t", "\x7f", "\u202e", "\u202a\u202c", "\u2066",
    "\u2069", "\u2068", "\u200e", "\u200f", "\u061c", "\u2028", "\u2029",
    "\x85", "\x90q", "\u00e9", "\u6f22", "\U0001f600", "\u00a0", "'", '"',
    "\\", "%n", "\\033[2J", "<b>", "$(id)"]
CONTROL = [chr(c) for c in range(1, 32)] + [chr(c) for c in range(127, 160)]

def hostile():
    return "x" + "".join(rng.choice([rng.choice(SEQUENCES),
        rng.choice(CONTROL), "a"]) for _ in range(rng.randint(1, 9)))

def quiet():
    return re.sub("[\0-\x1f\x7f]", "", hostile())

# JSON with each character raw or escaped, as the dice fall.
def dump(v):
    if isinstance(v, dict):
        return "{" + ",".join(text(k) + ":" + dump(v[k]) for k in v) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(dump, v)) + "]"
    return text(v) if isinstance(v, str) else json.dumps(v)

def text(s):
    out = ""
    for c in s:
        if c in '"\\' or c < " " or rng.random() < 0.3:
            units = c.encode("utf-16-be").hex()
            out += "".join("\\u" + units[i:i + 4]
                for i in range(0, len(units), 4))
        else:
            out += c
    return '"' + out + '"'

def some(good):
    return hostile() if rng.random() < 0.5 else good

def unknown():
    return {hostile(): [hostile(), {hostile(): hostile() + "\0"}]}

def body(n):
    triple = rng.choice([hostile, quiet])
    return {"event": "build." + hostile(), "build": {"id": "u%d" % n +
        hostile(), "number": hostile(), "state": some("running"),
        "web_url": hostile(), "message": hostile(), "cancel_reason": hostile(),
        "started_at": hostile(), "meta_data": {"tack:knot": triple(),
        "tack:pipeline_rkey": rng.choice(["rkey", triple()]),
        "tack:workflow": triple() + str(n)}, "pipeline": {"slug": hostile()}},
        "organization": {"slug": hostile()}, **unknown()}

count = int(sys.argv[1])
files = {k: open(k, "w", newline="\n", encoding="utf-8")
    for k in ("requests", "verified", "resolved", "settled", "broken")}
put = lambda k, v: print(dump(v), file=files[k])
for n in range(count):
    raw = dump(body(n))
    put("requests", {"id": hostile(), **unknown(), "request": {
        "method": some("POST"), "query": hostile(),
        "path": rng.choice(["/webhooks/buildkite"] * 4 + [hostile()]),
        "headers": {"x-buildkite-token": rng.choice(["token"] * 4 +
        [hostile()]), "x-" + hostile(): hostile()}, "at": 1800000000,
        "body": base64.b64encode(raw.encode()).decode()}})
    put("verified", {"id": hostile(), "provider": rng.choice(["buildkite"] * 9
        + [hostile()]), "event": "build." + hostile(), **unknown(),
        "payload": body(n)})
    put("resolved", {"id": hostile(), "provider": hostile(),
        "event": hostile(), "build": {"id": hostile(), "status":
        rng.choice(["running", "failed", "cancelled", hostile()]),
        "web_url": hostile(), "error": hostile()}, "ref": {"knot": "k",
        "pipeline_rkey": "rkey", "workflow": "%d" % n + hostile(),
        "pipeline_uri": "at://" + hostile()}, **unknown()})
    put("settled", {"id": hostile(), "outcome": hostile(), "reason":
        hostile(), **unknown()})
    print(rng.choice(['{"a":"', "", '{"a":1}']) + hostile().replace("\n", "")
        + rng.choice(['"', "}", ""]), file=files["broken"])
PY

cat >judge.py <<'PY'
import base64, json, re, sys

# [count | tabs] FILE...: the bytes of what no terminal should see raw.
BAD = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e"
    "\u2066-\u2069\udc80-\udcff]")

def count(tab, names):
    bad = 0
    for name in names:
        text = open(name, "rb").read().decode("utf-8", "surrogateescape")
        bad += sum(c != "\t" or not tab for c in BAD.findall(text))
    print(bad)

# A reason as the public gets it: made plain, for others print it as it is.
def public(error):
    return BAD.sub("\ufffd", error.replace("\t", " "))

# same TOOL IN OUT: how many records changed their meaning.
def lines(name):
    with open(name, encoding="utf-8", newline="\n") as f:
        return [json.loads(l) for l in f]

def same(tool, before, after):
    new, added = lines(after), {
        "verify": {"provider", "event", "payload", "outcome", "reason"},
        "resolve": {"build", "ref", "outcome", "reason"},
        "status": {"status", "cursor", "outcome", "reason"}}[tool]
    used = {"verify": "request", "resolve": "payload", "status": None}[tool]
    old = lines(before)
    wrong = abs(len(old) - len(new))
    for a, b in zip(old, new):
        if "outcome" in a:
            wrong += a != b
            continue
        keep = lambda r, also: {k: r[k] for k in r if k not in also}
        ok = keep(a, {used}) == keep(b, added - set(a))
        if "payload" in b:
            ok = ok and b["payload"] == json.loads(
                base64.b64decode(a["request"]["body"]))
        if tool == "resolve" and "build" in b:
            build = a["payload"]["build"]
            ok = ok and all(b["build"][k] == build[k]
                for k in ("id", "number", "web_url")) and \
                b["ref"]["workflow"] == build["meta_data"]["tack:workflow"]
        if b.get("outcome") == "published" and tool == "status":
            ok = ok and b["status"]["workflow"] == a["ref"]["workflow"] and \
                b["status"].get("error", public(a["build"]["error"])) == \
                public(a["build"]["error"])
        wrong += not ok
    print(wrong)

if sys.argv[1] == "same":
    same(*sys.argv[2:])
else:
    count(sys.argv[1] == "tabs", sys.argv[2:])
PY

judge() {
	python3 judge.py "$@"
}

records=300
python3 hostile.py $records
export TACK_BUILDKITE_WEBHOOK_MODE=token TACK_BUILDKITE_WEBHOOK_SECRET=token
tack-init
sha256=$(cat requests verified resolved settled | sha256sum | cut -c 1-8)
note "$records records of each kind, of sha256 $sha256"
ok 'the input would steer a terminal' [ "$(judge count requests verified \
    resolved settled)" -gt 1000 ]

for tool in verify resolve status; do
	case $tool in
	verify)	in=requests ;;
	resolve) in=verified ;;
	status)	in=resolved ;;
	esac
	cat "$in" settled >"$tool.in"
	status "tack-$tool handles them all" 0 \
	    sh -c "tack-$tool <$tool.in >$tool.out 2>$tool.err"
	is "tack-$tool: no raw byte on stdout" 0 "$(judge count "$tool.out")"
	is "tack-$tool: no raw byte on stderr" 0 "$(judge count "$tool.err")"
	is "tack-$tool: every record means the same" 0 \
	    "$(judge same "$tool" "$tool.in" "$tool.out")"
	tack-$tool <broken >broken.out 2>broken.err
	ok "tack-$tool complains of broken lines" test -s broken.err
	is 'with no raw byte' 0 "$(judge count broken.out broken.err)"
done
is 'some of each are good' 'true true true' "$(for f in verify resolve status; do
	jq -s '[.[] | select((has("payload") or has("build")) and (.outcome | . == null or . == "published"))] | length > 50' "$f.out"
done | xargs)"

tack-events >events.out 2>events.err
is 'tack-events: no raw byte' 0 "$(judge count events.out events.err)"
is 'tack-events: every status means the same' \
    "$(jq -S 'select(.outcome == "published").status' status.out | sha256sum)" \
    "$(jq -S .event events.out | sha256sum)"

tack ls -n 5000 >ls.out 2>ls.err
tack show rkey >show.out 2>show.err
jq -r 'select(.build and .ref).build.id' resolve.out | head -n 20 |
while IFS= read -r id; do
	tack show "$id"
done >ids.out 2>ids.err
id=$(printf 'a\033[2J\302\2332J')
for verb in "ls -n $id" "show $id" "$id"; do
	# shellcheck disable=SC2086 # a verb and its words
	tack $verb
done >words.out 2>words.err
ok 'tack ls and tack show have much to tell' \
    sh -c '[ "$(cat ls.out show.out | wc -l)" -gt 300 ]'
is 'tack ls: no raw byte' 0 "$(judge tabs ls.out ls.err)"
is 'tack show: no raw byte' 0 \
    "$(judge tabs show.out show.err ids.out ids.err)"
is 'tack: no raw byte of its own arguments' 0 \
    "$(judge tabs words.out words.err)"
note "raw bytes among $(cat ./*.out ./*.err | wc -c) written:" \
    "$(judge tabs ./*.out ./*.err)"
done_testing
