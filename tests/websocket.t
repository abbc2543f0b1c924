#!/bin/sh
# SPDX-License-Identifier: ISC
# WebSocket conformance (P22): own cases after the Autobahn test suite, and two
# peers that are not ours.
. "$(dirname "$0")/lib.sh"
export PYTHONPATH="$TOP/tests" PYTHONDONTWRITEBYTECODE=1
py=/usr/bin/python3

# serve NAME: a server at $port, NAME stands in for its tack-events.
serve() {
	mkdir "$1.bin"
	cp "$(command -v tack-http)" "$1.bin"
	cp "$1" "$1.bin/tack-events"
	"$1.bin/tack-http" -l 127.0.0.1:0 -p cat 2>"$1.log" &
	pids="${pids:-} $!"
	port=$(address "$1.log")
	port=${port##*:}
}

cat >silent <<'EOF2'
#!/bin/sh
exec sleep 600
EOF2
chmod +x silent
serve silent
within "$py" "$TOP/tests/websocket.py" "$port" >cases
grep -vE '^(ok|1\.\.)' cases | grep -v '^# P22' | sed 's/^/# /'
grep '^# P22' cases
ok 'P22 each case ends as it should, but for what is known of wslay' \
    sh -c '! grep -q "^not ok" cases || ! grep "^not ok" cases | grep -vq "# known"'
ok 'P22 there are 240 of them or more' \
    [ "$(grep -cE '^(not )?ok' cases)" -ge 240 ]

# What a peer is sent, and what becomes of its Close.
cat >feed <<'EOF2'
#!/bin/sh
i=0
while [ "$i" -lt 100 ]; do
	i=$((i + 1))
	echo "{\"created\":$i,\"n\":$i}"
done
printf '{"created":101,"n":"%070000d"}\n' 7
exec sleep 600
EOF2
chmod +x feed
serve feed
cat >peer.py <<'EOF2'
import asyncio, json, sys, websockets

async def main():
    async with websockets.connect("ws://127.0.0.1:%s/events" % sys.argv[1],
            ping_interval=None, max_size=1 << 20) as ws:
        await ws.send("text")
        await ws.send(bytes(range(256)))
        await ws.send(["in ", "three ", "fragments"])
        lines = [json.loads(await ws.recv()) for _ in range(101)]
        await (await ws.ping(b"there?"))
        await ws.close(3000, "enough")
        print([line["n"] for line in lines[:100]] ==
            list(range(1, 101)), len(lines[100]["n"]), ws.close_code,
            ws.close_reason)
asyncio.run(main())
EOF2
cat >peer.js <<'EOF2'
const WebSocket = require(process.argv[2]);
const ws = new WebSocket(`ws://127.0.0.1:${process.argv[3]}/events`);
const lines = [];
ws.on("open", () => {
	ws.send("text");
	ws.send(Buffer.alloc(256, 0xff));
	ws.send("in ", { fin: false });
	ws.send("fragments", { fin: true });
});
ws.on("message", (data) => {
	lines.push(JSON.parse(data));
	if (lines.length === 101)
		ws.ping("there?");
});
ws.on("pong", () => ws.close(3000, "enough"));
ws.on("error", (e) => console.log(e.message));
ws.on("close", (code, reason) => console.log(
	lines.slice(0, 100).every((line, i) => line.n === i + 1) ?
	"True" : "False", lines[100].n.length, code, String(reason)));
EOF2
if "$py" -c 'import websockets' 2>/dev/null; then
	is 'P22 python3-websockets reads, is heard, and leaves in order' \
	    'True 70000 3000 enough' "$(within "$py" peer.py "$port" 2>&1)"
else
	skip 'P22 python3-websockets' 'not there'
fi
if command -v node >/dev/null && [ -d "$TOP/tests/node_modules/ws" ]; then
	is 'P22 so does ws' 'True 70000 3000 enough' \
	    "$(within node peer.js "$TOP/tests/node_modules/ws" "$port" 2>&1)"
else
	skip 'P22 ws' 'not there: npm install --prefix tests ws'
fi
# shellcheck disable=SC2086 # several
kill $pids
wait
done_testing
