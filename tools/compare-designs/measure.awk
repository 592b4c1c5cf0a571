# measure.awk: what the bills say of a program under a design; for report.awk and page.awk
#
# Input     events.tab, programs.tab, the bills; -v designs=, -v page=, -v failed=

BEGIN {
	designs_n = split(designs, design, " ")
	base = design[1]
	measure_is("instructions", "instructions per operation", 1, "instr/op")
	measure_is("faults", "page faults", 16, "faults")
	measure_is("copies", "pages copied", 16, "copies")
	measure_is("frames", "frames taken", 16, "frames")
	measure_is("records", "bytes of records in memory", 4, "records")
	measure_is("tables", "bytes of page tables", 4, "tables")
	measure_is("in", "pages read from swap", 16, "in")
	measure_is("out", "pages written to swap", 16, "out")
	measure_is("chain", "parents passed by the longest look-up", 1, "chain")
	measure_is("locks", "locks taken", 64, "locks")
}

# least: a difference below this is none.
function measure_is(m, what, least, column) {
	measure[++measures] = m
	measure_text[m] = what
	measure_least[m] = least
	measure_column[m] = column
}

FNR == 1 { file++ }
/^#/ || NF == 0 { next }
file == 1 {
	if ($6 ~ /^F/ && $1 ~ /^fault[.]/) {
		if (!($6 in case_counters))
			case_name[++cases] = $6
		case_counters[$6] = case_counters[$6] " " $1
		case_text[$6] = substr($1, 7) # of two the latter: F2 is a file's
	}
	next
}
file == 2 {
	kind[$1] = $5 == "-" ? "" : $5
	per[$1] = $6
	about[$1] = text_from(7)
	order[++all] = $1
	next
}
$4 == "locks" { # of a second machine, with locks=1
	locks[$2, $3] = $6
	next
}
{
	chosen[$2] = 1
	end[$2, $3, $4] = $5
	change[$2, $3, $4] = $6
	peak[$2, $3, $4] = $7
}

function text_from(n, i, s) {
	for (i = n; i <= NF; i++)
		s = s (i > n ? " " : "") $i
	return s
}

# "": the program has no such figure.
function value(m, p, d, things) {
	things = peak[p, d, "operations"]
	if (m == "instructions")
		return change[p, d, "operations"] > 0 ? change[p, d, "ticks"] / change[p, d, "operations"] : ""
	if (m == "faults")
		return change[p, d, "fault.total"] + 0
	if (m == "copies")
		return change[p, d, "page.copy"] + 0
	if (m == "frames")
		return change[p, d, "page.alloc"] + 0
	if (m == "in")
		return change[p, d, "swap.in_pages"] + 0
	if (m == "out")
		return change[p, d, "swap.out_pages"] + 0
	if (m == "chain")
		return end[p, d, "shadow.depth_max"] + 0
	if (m == "locks")
		return (p, d) in locks ? locks[p, d] : ""
	if (kind[p] == "" || things == 0)
		return ""
	if (m == "tables")
		return 4096 * peak[p, d, "table.live"] / things
	return (peak[p, d, "page.nonpaged_bytes"] + 4096 * peak[p, d, "kpaged.pages"]) / things
}

# How many faults of p came to this case.
function faults_of(c, p, d, i, n, w, sum) {
	n = split(case_counters[c], w, " ")
	for (i = 1; i <= n; i++)
		sum += change[p, d, w[i]]
	return sum + 0
}

# Has any program a fault of this case?
function occurs(c, i, j) {
	if (c in occurred)
		return occurred[c]
	occurred[c] = 0
	for (i = 1; i <= all; i++)
		for (j = 1; j <= designs_n; j++)
			if (faults_of(c, order[i], design[j]) > 0)
				occurred[c] = 1
	return occurred[c]
}

# 12345.6 as 12,346; small ones keep a digit.
function number(x, s, r, sign) {
	if (x == "")
		return "-"
	sign = x < 0 ? "-" : ""
	x = x < 0 ? -x : x
	if (x < 100 && x != int(x))
		return sign sprintf("%.1f", x)
	s = sprintf("%.0f", x)
	for (r = ""; length(s) > 3; s = substr(s, 1, length(s) - 3))
		r = "," substr(s, length(s) - 2) r
	return sign s r
}

# The design that pays least of m for p; "": the first one does, or nearly.
function winner(m, p, i, d, best, mine, v) {
	mine = value(m, p, base)
	if (mine == "")
		return ""
	for (i = 2; i <= designs_n; i++) {
		v = value(m, p, design[i])
		if (v != "" && (best == "" || v < value(m, p, best)))
			best = design[i]
	}
	if (best == "")
		return ""
	v = value(m, p, best)
	return mine - v >= measure_least[m] && mine > 1.02 * v ? best : ""
}

# "it takes 7,012 instructions per operation, uvm 4,475"
function loss(m, p, w) {
	return measure_text[m] (m == "records" || m == "tables" ? " for a " kind[p] : "") \
	    (m == "instructions" ? " (a " per[p] ")" : "") ": " \
	    number(value(m, p, base)) ", under " w " " number(value(m, p, w))
}
