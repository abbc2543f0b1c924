# SPDX-License-Identifier: ISC
# Waiting, for sh: of the tests (lib.sh), of the demonstration and of the bench.
ms() {
	echo $(($(date +%s%N) / 1000000))
}

# Try a command until it succeeds; $waited is how long that took, in ms. It is
# given up after so many tries: a minute, and more where a try takes longer.
until_ok() {
	since=$(ms) tries=1000
	until tried=$("$@" 2>&1); do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || break
		sleep 0.05
	done
	waited=$(($(ms) - since))
	[ "$tries" -gt 0 ] && return
	echo "a deadline ran out: not within $waited ms: $*" >&2
	[ -z "$tried" ] || printf '%s\n' "$tried" >&2
	return 1
}

# The address of a tack-http, once it has told it in its log.
address() {
	until_ok grep -q 'listening on' "$1" &&
		sed -n 's/.*listening on //p' "$1" | head -n 1
}
