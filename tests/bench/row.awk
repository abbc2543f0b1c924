# SPDX-License-Identifier: ISC
# One line of the table from samples, "round value" a line: ours, and a peer's
# in the file that is named first and in the variable peer. The other variables
# are the words of row() in lib.sh.
function digits(x) {
	return sprintf(x >= 1000 ? "%.0f" : x >= 10 ? "%.1f" : "%.2f", x)
}
function cell(a, n, u,  i, j, t, m) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && a[j] < a[j - 1]; j--) {
			t = a[j]; a[j] = a[j - 1]; a[j - 1] = t
		}
	m = n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
	median = m
	return digits(m) u " (" digits(a[1]) "-" digits(a[n]) ")"
}
FILENAME == peer { p[$1] += $2; np[$1]++; next }
{ o[$1] += $2; no[$1]++; if ($1 > n) n = $1 }
END {
	for (i = 1; i <= n; i++) {
		ours[i] = o[i] /= no[i]
		if (peer == "")
			continue
		theirs[i] = p[i] /= np[i]
		times[i] = ratio == "peer/ours" ? p[i] / o[i] : o[i] / p[i]
	}
	line = cell(ours, n, unit)
	x = median
	if (peer != "") {
		line = line "\t" cell(theirs, n, unit)
		line = line "\t" cell(times, n, "")
		x = median
	} else
		line = line "\t-\t-"
	target = at_least at_most
	if (target == "")
		line = line "\t-\t-"
	else {
		met = at_most != "" ? x + 0 <= target + 0 : x + 0 >= target + 0
		line = line "\t" (at_most != "" ? "<= " : ">= ") target
		line = line (peer == "" ? unit : "") "\t" (met ? "ok" : "BELOW")
	}
	print name "\t" what "\t" line
}
