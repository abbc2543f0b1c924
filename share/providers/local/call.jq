# SPDX-License-Identifier: ISC
# How the embedded CI is asked: each verb is a tack-local(1) to run.

def text: if type == "string" then . else tojson end;

# Why a task cannot run here, or nothing.
def wrong:
  (.task.options // {}) as $options
  | if ($options | type) != "object" then "tack.local: not a mapping"
    elif ($options | keys - ["timeout"]) != [] then
      "tack.local: no such option: \($options | keys - ["timeout"] | join(", "))"
    elif ($options | has("timeout"))
      and ($options.timeout | (type != "number" or . < 1 or . != floor)) then
      "tack.local: timeout: not a number of seconds"
    elif (.task.workflow.steps | type) != "array" or .task.workflow.steps == [] then
      "the workflow has no steps"
    else
      .task.workflow.steps | to_entries | map(
        select((.value | type) != "object" or (.value.command | type) != "string")
        | "step \(.key + 1) has no command")
      | .[0] // empty
    end;

def request:
  if .verb == "create" then
    { exec: ["tack-local", "create"], input: .task }
  elif .verb == "list" or .verb == "find" then
    { exec: (["tack-local", "list"]
        + if .since | type == "string" then [.since] else [] end) }
  elif .verb == "get" or .verb == "cancel" or .verb == "steps" then
    { exec: ["tack-local", .verb, .build.id] }
  elif .verb == "rebuild" then
    { exec: (["tack-local", "rebuild", .build.id]
        + if .ref.attempt then [.ref.attempt | text] else [] end) }
  elif .verb == "log" then
    { exec: (["tack-local", "log", .build.id, (.step.id? // .step | text),
        (.offset // 0 | text)]
        + if .length then [.length | text] else [] end) }
  elif .verb == "retry" then
    { error: "tack-local runs a build once; rebuild it" }
  else
    { error: "tack-local knows no \(.verb | text)" }
  end;

# What tack-local says: its JSON, or nothing where it died of something.
def result:
  .verb as $verb
  | .answer.status as $status
  | .answer.body
  | if type == "object" and (.error or .gone) then .
    elif $status == 75 then { wait: 30 }
    elif $status >= 126 and $status <= 127 then
      { error: "tack-local cannot be run; is it installed?" }
    elif $status > 127 then { unsure: "tack-local was killed" }
    elif $status != 0 then
      { error: "tack-local exited \($status); its message is in the log" }
    elif type == "array" then { builds: . }
    elif $verb == "steps" and type == "object" then .
    elif type == "object" and (.build | type) == "object" then { builds: [.] }
    else { unsure: "tack-local did not answer" }
    end;

if has("answer") then result
elif .verb == "plan" then
  .task.repo.name as $name
  | [wrong]
  | if . == [] then { build: { org: "local", pipeline: ($name // "") } }
    else { error: .[0] }
    end
else request
end
