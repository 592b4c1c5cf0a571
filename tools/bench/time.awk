# time.awk: the table of run -t
#
# Input     linux, ours, bare (operation per ns times)

BEGIN {
	reach["zero-fill"] = 1.0
	reach["cow-copy"] = 0.9
	reach["fork-64m"] = 0.8
	reach["pipe"] = 0.8
}
FNR == 1 { file++ }
file == 1 { linux[$1] = $3; next }
file == 2 { ours[$1] = $3; per[$1] = $2; order[++n] = $1; next }
{ bare[$1] = $3 }

# How many times as much two do as one does.
function gain(t, one, two) { return t[two] > 0 ? t[one] / t[two] : 0 }

function two(text, a, b, want) {
	printf "%-38s %6.2f %6.2f  %s\n", text, gain(linux, a, b), gain(ours, a, b),
	    want != "" ? want : sprintf("in %.2f of Linux' time", ours[b] / linux[b])
}

END {
	printf "%-14s %-8s %12s %12s %6s %6s %12s %6s\n", "ns", "per", "Linux", "here", "ratio",
	    "reach", "no events", "events"
	for (i = 1; i <= n; i++) {
		k = order[i]
		printf "%-14s %-8s %12.0f %12.0f %6.2f %6s %12.0f %5.0f%%\n", k, per[k], linux[k], ours[k],
		    ours[k] / linux[k], (k in reach) ? sprintf("%.1f", reach[k]) : "", bare[k],
		    100 * (ours[k] - bare[k]) / ours[k]
	}
	printf "\n%-38s %6s %6s\n", "two do as much as so many alone", "Linux", "here"
	two("two processes, memory of their own", "smp-process", "smp-processes", "1.6 wanted")
	two("two threads of one process", "smp-thread", "smp-threads")
	two("two threads that map and unmap", "smp-mapper", "smp-mappers")
}
