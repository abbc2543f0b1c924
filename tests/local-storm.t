#!/bin/sh
# SPDX-License-Identifier: ISC
# The embedded CI, interrupted: steps that misbehave, and runners that are
# killed at any point of a build.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/local.sh"

# left ID: what of a build is still on the disk that should not be.
left() {
	(cd "tack.db-local/$1" && ls -d work home tmp reserve 2>/dev/null |
		paste -sd' ' -)
}
word=$((31000000 + $$))

sed -n '/^task()/,/^}/p' "$TOP/tests/local.sh" >task.sh
export sha

# --- steps that misbehave

went closed '[{command: "exec >&- 2>&-; sleep 0.5; exit 3"}]'
is 'a step that closes its output goes on to its own end' \
    "failed step 'Step 1' exited 3" "$state"
went daemon "[{command: \"for i in 1 2 3; do (trap '' TERM HUP INT; setsid sleep $word >/dev/null 2>&1 &); done; (exec >&- 2>&-; setsid sleep $word &); echo on\"}]"
is 'daemons that a step leaves do not hold it up' 'passed - on' \
    "$state $(plain 1)"
soon 'and none of them lives on' gone "$word"
went killer '[{command: "kill -9 -1; kill -9 1; sleep 0.2; true"}]'
ok "a step that kills all it can harms itself ($state)" \
    sh -c "case '$state' in passed*|failed*) ;; *) false ;; esac"
went zombies '[{command: "python3 -c \"
import os, time
for i in range(300):
    if os.fork() == 0:
        os._exit(0)
time.sleep(0.2)
print(len([p for p in os.listdir(\\\"/proc\\\") if p.isdigit()]) > 300)
\""}]'
is 'zombies are the step'"'"'s own' 'passed - True' "$state $(plain 1)"
id=$(start stopped "[{command: \"kill -STOP \$\$; sleep $word\"}]")
until_ok begun "$id"
is 'a step that stopped itself is cancelled' canceled \
    "$(tack-local cancel "$id" >/dev/null; until_ok ended "$id"
	tack-local get "$id" | jq -r .build.state)"
went oom '[{command: "cat /proc/self/oom_score_adj"}]'
is 'the kernel takes a step first where memory is short' 1000 "$(plain 1)"
id=$(start quarrel "[{command: \"exec sleep $word\"}]")
until_ok begun "$id"
for _ in 1 2 3 4; do
	tack-local cancel "$id" >/dev/null &
done
wait
is 'cancels at once are one' canceled \
    "$(tack-local get "$id" | jq -r .build.state)"
soon 'of which nothing is left' gone "$word"

# --- a runner that is killed, a little later each time

rounds=${TACK_LONG:+200}
python3 - "${rounds:-25}" "$word" <<'PY'
import json, os, random, signal, subprocess, sys, time
rounds, word = int(sys.argv[1]), sys.argv[2]
random.seed(9)
for i in range(rounds):
    task = subprocess.run(["sh", "-c", "TMP=$PWD; . ./task.sh; task storm%d '%s'" % (i,
        json.dumps([{"command": "mkdir -p a/b; echo x >a/b/c; chmod 0 a/b"},
            {"command": "setsid sleep %s & sleep 0.05" % word}]))],
        stdout=subprocess.PIPE, check=True).stdout
    made = json.loads(subprocess.run(["tack-local", "create"], input=task,
        stdout=subprocess.PIPE, check=True).stdout)
    build = made["build"]["id"]
    path = "tack.db-local/%s/state.json" % build
    time.sleep(i % 25 * 0.015 + random.random() * 0.015)
    try:
        os.kill(json.load(open(path))["pid"], signal.SIGKILL)
    except ProcessLookupError:
        pass
    with open("storm", "a") as f:
        print(build, file=f)
PY
settled() {
	tack-local list >/dev/null
	[ "$(find tack.db-local/open -type f | wc -l)" -eq 0 ]
}
soon 'after a storm of kills each build has ended, by being looked at' settled
while read -r id; do
	tack-local get "$id" | jq -r '.build.state + " " + (.build.error // "-")'
	left "$id"
done <storm | sort | uniq -c >ends
note "$(paste -sd';' ends)"
is 'as passed, or as failed for that one reason' '' \
    "$(sed 's/^ *[0-9]* //' ends | grep -vxE 'passed -|failed the runner died|')"
is 'and nothing is left on the disk' '' \
    "$(while read -r id; do left "$id"; done <storm | grep .)"
soon 'nor any process' gone "$word"
went after '[{command: "true"}]'
is 'and the next build runs' 'passed -' "$state"
done_testing
