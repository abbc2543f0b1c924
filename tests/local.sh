# SPDX-License-Identifier: ISC
# What the tests of the embedded CI share, after lib.sh: a repository, and
# builds that are made, awaited and looked at.
unset TACK_LOCAL_DIR TACK_LOCAL_TIMEOUT TACK_LOCAL_JOBS TACK_LOCAL_SANDBOX \
    TACK_LOCAL_NETWORK TACK_LOCAL_USER TACK_LOCAL_MEMORY \
    TACK_LOCAL_PROCESSES TACK_LOCAL_FREE
if ! command -v git >/dev/null || ! bwrap --unshare-user --disable-userns \
    --ro-bind / / true 2>/dev/null; then
	echo '1..0 # SKIP git or bubblewrap is missing, or may not run here'
	exit 0
fi

# Builds of root's are nobody's, who has to get here.
chmod 711 "$TMP"
export TACK_DB_PATH="$TMP/tack.db" TACK_DEV=1
tack-init
git init -q repo
git -C repo config user.name tack
git -C repo config user.email tack@knot.example
echo hello >repo/file
git -C repo add file
git -C repo commit -qm one
sha=$(git -C repo rev-parse HEAD)

# task WORKFLOW STEPS [FILTER]: a task; STEPS and FILTER are jq.
task() {
	jq -nc --arg w "$1" --arg sha "$sha" --arg url "file://$TMP/repo" \
	    '{ref: {knot: "knot.example", pipeline_rkey: "3mtj73ais6k22",
	    workflow: $w, attempt: 1}, kind: "push",
	    repo: {name: "repo", url: $url}, sha: $sha, clone: {skip: true},
	    env: {CI: "true", TANGLED_SHA: $sha}, options: {},
	    workflow: {steps: '"$2"'}} | '"${3:-.}"
}

# start WORKFLOW STEPS [FILTER]: the id of a build that is made.
start() {
	task "$@" | tack-local create | jq -r .build.id
}

# says FILTER COMMAND...: is it so, by jq, of what the command answers?
says() {
	filter=$1
	shift
	[ "$("$@" | jq -r "$filter")" = true ]
}

# begun ID: does the first step of a build run?
begun() {
	says '[.steps[] | select(.id == "1" and .state == "running")] != []' \
	    tack-local steps "$1"
}

ended() {
	case $(tack-local get "$1") in
	*'"state":"scheduled"'*|*'"state":"running"'*)	return 1 ;;
	esac
}

# went WORKFLOW STEPS [FILTER]: set id to a build that has ended.
went() {
	id=$(start "$@")
	until_ok ended "$id"
	state=$(tack-local get "$id" | jq -r '.build.state + " " +
	    (.build.error // "-")')
}

plain() {
	tack-local log "$id" "$1" |
		LC_ALL=C sed 's/^\x1b_bk;t=[0-9]*\x07//'
}

# events WORKFLOW: the statuses published.
events() {
	tack-events | jq -r --arg w "$1" '.event | select(.workflow == $w) |
	    .status' | paste -sd' ' -
}

# holders WORD: the processes that have the word as an argument, but for grep,
# which has another. The words end in $$, as another run may be beside.
holders() {
	grep -lzx "$1\$" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3
}

there() {
	[ -n "$(holders "$1")" ]
}

gone() {
	! there "$1"
}

# runner ID [DIRECTORY]: of the database, with its slash.
runner() {
	jq .pid "${2-}tack.db-local/$1/state.json"
}
