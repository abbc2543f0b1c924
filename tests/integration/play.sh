# SPDX-License-Identifier: ISC
# For tests that need a Buildkite: play [config] starts one and says where it
# is in $api and $TACK_BUILDKITE_API; direct, told and count direct it.
play() {
	mkfifo play.port
	printf '%s\n' "${1:-{\}}" >play.json
	"$TOP/tests/integration/buildkite" play.json >play.port 2>play.err &
	play_pid=$!
	trap 'kill "$play_pid" 2>/dev/null' EXIT
	read -r port <play.port
	rm play.port
	api=http://127.0.0.1:$port
	TACK_BUILDKITE_API=$api
	export TACK_BUILDKITE_API
}

# direct VERB[/N] [JSON]: a stage direction.
direct() {
	curl -s -m "$PATIENCE" -X POST -d "${2:-{\}}" "$api/_/$1" >direct.out
}

# told counts|builds|hooks|requests [filter]: what happened. The filter may use
# what tests/told.jq defines.
told() {
	curl -s -m "$PATIENCE" "$api/_/$1" |
		jq -c -L "$TOP/tests" "include \"told\"; ${2:-.}"
}
