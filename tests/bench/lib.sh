# SPDX-License-Identifier: ISC
# Turns, rounds and rows; the servers that are measured. For scripts/bench,
# which sets $bench, $tmp, $pids, $DB and the environment of the tools.
. "$bench/../wait.sh"

# turn NAME:WORD:...: the function turn_NAME is called with the words, and prints
# key=value words, which are kept as samples.
turn()
{
	spec=$1
	# shellcheck disable=SC2046 # the words of the specification
	if said=$("turn_${spec%%:*}" $(echo "${spec#*:}" | tr : ' ') \
	    2>"$tmp/err"); then
		for word in $said; do
			echo "$round ${word#*=}" \
			    >>"$tmp/samples/$spec.${word%%=*}"
		done
	else
		printf '%s: %s\n' "$spec" "$(tail -n 1 "$tmp/err")" |
			tee -a "$tmp/void" >&2
	fi
}

# rounds N specification ...: each round there and back, A B B A.
rounds()
{
	count=$1
	shift
	back=
	for spec; do
		back="$spec $back"
	done
	round=0
	while [ $((round += 1)) -le "$count" ]; do
		for spec in "$@" $back; do
			turn "$spec"
		done
	done
}

# row NAME WHAT ours=SAMPLES [peer=SAMPLES] [ratio=ours/peer|peer/ours]
#     [at_least=TARGET|at_most=TARGET] [unit=UNIT]
# A line of the table. Samples are a turn's specification, a dot, and the key of
# what it printed: load:tack:8.rate. The target is the ratio's if there is a
# peer, else that of ours alone. Without a target there is no verdict.
row()
(
	name=$1 what=$2 ours='' peer='' ratio='' at_least='' at_most='' unit=''
	shift 2
	for word; do
		case ${word%%=*} in
		ours|peer|ratio|at_least|at_most|unit)
			eval "${word%%=*}=\${word#*=}" ;;
		*)
			echo "row $name $what: what is $word?" >&2
			exit 64 ;;
		esac
	done
	for samples in "$ours" ${peer:+"$peer"}; do
		if grep -qF "${samples%.*}:" "$tmp/void"; then
			printf '%s\t%s\tvoid\t\t\t\tvoid\n' "$name" "$what" \
			    >>"$tmp/table"
			return
		fi
	done
	[ -z "$peer" ] || peer=$tmp/samples/$peer
	awk -v name="$name" -v what="$what" -v ratio="$ratio" \
	    -v at_least="$at_least" -v at_most="$at_most" -v unit="$unit" \
	    -v peer="$peer" -f "$bench/row.awk" ${peer:+"$peer"} \
	    "$tmp/samples/$ours" >>"$tmp/table"
)

# Wait for a line in a log, and say what number follows it.
await()
{
	if ! until_ok grep -q "$2[0-9]" "$1"; then
		cat "$1" >&2
		exit 1
	fi
	sed -n "s/$2\([0-9][0-9]*\).*/\1/p" "$1" | head -n 1
}

free_port()
{
	node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
		console.log(s.address().port); s.close() })'
}

# Start one of the servers on a database; its port is in $port_NAME.
serve()
{
	log=$tmp/$1.log
	: >"$log"
	case $1 in
	tack)	tack-http -l 127.0.0.1:0 2>"$log" & ;;
	node)	node "$bench/node.js" "$tmp/node.db" 2>"$log" & ;;
	tcpserver)
		TACK_DB_PATH=$tmp/each.db tcpserver -1 -DHRl0 -c 256 -b 1024 \
		    127.0.0.1 0 tack-http >"$log" 2>&1 & ;;
	webhook)
		port=$(free_port)
		webhook -ip 127.0.0.1 -port "$port" -urlprefix webhooks \
		    -hooks "$bench/hooks.json" >"$log" 2>&1 & ;;
	websocketd)
		port=$(free_port)
		DB=$TACK_DB_PATH websocketd --address=127.0.0.1 --port="$port" \
		    --loglevel=error --passenv=PATH,DB polled >"$log" 2>&1 & ;;
	esac
	pid=$!
	pids="$pid $pids"
	case $1 in
	tack|node)	port=$(await "$log" '.*listening on 127.0.0.1:') ;;
	tcpserver)	port=$(await "$log" '^') ;;
	*)		timeout 10 bash -c "until : </dev/tcp/127.0.0.1/$port
			do sleep 0.05; done" 2>/dev/null ;;
	esac
	eval "port_$1=\$port pid_$1=\$pid"
}

port_of()
{
	eval "echo \"\$port_$1\""
}

# Fresh databases.
fresh()
{
	stop
	rm -f "$tmp"/*.db "$tmp"/*.db-*
	tack-init
	TACK_DB_PATH=$tmp/each.db tack-init
	for peer in peer node; do
		sqlite3 "$tmp/$peer.db" 'PRAGMA journal_mode = WAL' \
		    >/dev/null
		sqlite3 "$tmp/$peer.db" <"$bench/schema.sql"
	done
}

# Keep databases open, as a subscriber does: else the last tool to close one
# checkpoints it and takes the log away.
hold()
{
	mkfifo "$tmp/held"
	sqlite3 "$1" <"$tmp/held" >"$tmp/holder" 2>&1 &
	pids="$! $pids"
	exec 8>"$tmp/held"
	rm "$tmp/held"
	echo "ATTACH '$2' AS other; SELECT 'rows', count(*)
	    FROM main.event, (SELECT count(*) FROM other.event);" >&8
	await "$tmp/holder" 'rows|' >/dev/null
}

rows_of()
{
	case $1 in
	tack)		base=$TACK_DB_PATH ;;
	node)		base=$tmp/node.db ;;
	tcpserver)	base=$tmp/each.db ;;
	webhook)	base=$DB ;;
	esac
	sqlite3 -readonly -cmd '.timeout 10000' "$base" \
	    'SELECT count(*) FROM event'
}

# A process and all below it.
tree()
{
	echo "$1"
	level=$1
	while level=$(ps -o pid= --ppid "$(echo $level | tr ' ' ,)"); do
		echo "$level"
	done
}

# Their memory in MiB, what is shared shared out.
memory()
{
	for one in $(tree "$1"); do
		cat "/proc/$one/smaps_rollup" 2>/dev/null || :
	done | awk '/^Pss:/ { kb += $2 } END { printf "%.1f\n", kb / 1024 }'
}

# Their time on a CPU, also of children that have ended, in microseconds.
busy()
{
	for one in $(tree "$1"); do
		cat "/proc/$one/schedstat" 2>/dev/null || :
		sed 's/.*) /ended /' "/proc/$one/stat" 2>/dev/null || :
	done | awk -v hz="$(getconf CLK_TCK)" '
		$1 == "ended" { n += ($15 + $16) * 1000000 / hz; next }
		{ n += $1 / 1000 }
		END { printf "%.0f\n", n }'
}
