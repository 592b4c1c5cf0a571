# evidence.awk: what of each row is evidence: the kernel, and two without a part of it
#
#   awk -f evidence.awk whole without-asserts without-events

FNR == 1 { file++ }
{ figure[file, $1] = $3 }
file == 1 { row[++n] = $1; per[$1] = $2 }

# Of the row, in percent.
function share(op, without) {
	return 100 * (figure[1, op] - figure[without, op]) / figure[1, op]
}

END {
	printf "%-20s %-8s %12s %8s %8s\n", "operation", "per", "instructions", "asserts", "events"
	for (i = 1; i <= n; i++) {
		op = row[i]
		asserts = share(op, 2)
		events = share(op, 3)
		# A figure of few instructions is rounded: a step of it may be more.
		much = figure[1, op] >= 10 && (asserts > 8 || events > 8)
		bad += much
		printf "%-20s %-8s %12.1f %6.1f %% %6.1f %%%s\n", op, per[op], figure[1, op],
		    asserts, events, much ? "  more than 8 %" : ""
	}
	exit bad > 0
}
