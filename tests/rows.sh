# SPDX-License-Identifier: ISC
# Rows of the database as the tools would have left them: build_row and
# status_row COLUMN=TEXT... print the SQL; with := the value is an expression.
# Columns are named, so a migration that adds one breaks no test. What is not
# said: the CI is ci, the run is the workflow w of k's r, the status is ten
# minutes old.
build_row() {
	row build provider=ci knot=k pipeline_rkey=r workflow=w "$@"
}

status_row() {
	row status knot=k pipeline_rkey=r workflow=w \
	    'created_at:=(unixepoch() - 600) * 1000' \
	    started_at=-1 finished_at=-1 "$@"
}

# Of a column that is said twice the last value counts.
row() {
	jq -nr '
	def quoted: "\u0027" + gsub("\u0027"; "\u0027\u0027") + "\u0027";
	$ARGS.positional
	| .[0] as $table
	| [.[1:][] | capture("(?<key>[a-z_]+)(?<is>:?)=(?<value>.*)"; "s")
	    | if .is == "" then .value |= quoted else . end]
	| from_entries
	| "INSERT INTO \($table) (\(keys_unsorted | join(", ")))"
	    + " VALUES (\([.[]] | join(", ")));"' --args "$@"
}
