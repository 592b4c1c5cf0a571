# check.awk: figures against baseline.tab; more than 5 % off, either way, fails
/^#/ || NF == 0 { next }
FNR == NR { now[$1] = $3; next }
$4 == "check" {
	if (!($1 in now)) {
		printf "bench: %s has no figure\n", $1
		bad = 1
		next
	}
	off = (now[$1] - $3) / $3 * 100
	if (off > 5 || off < -5) {
		printf "bench: %s is %.1f instructions a %s, %+.1f %% of baseline.tab (%.1f)\n",
		    $1, now[$1], $2, off, $3
		bad = 1
	}
	n++
}
END {
	if (n < 10)
		print "bench: baseline.tab has fewer than ten rows to check"
	else if (bad)
		print "bench: is it meant?  make profile OP=... says where they went; make bench WRITE=1 takes them over"
	else
		printf "bench: %d rows within 5 %% of baseline.tab\n", n
	exit bad || n < 10
}
