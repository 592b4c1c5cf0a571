# write.awk: the new figures in the old file's words
FNR == NR { now[$1] = $3; per[$1] = $2; order[++n] = $1; next }
/^#/ { print; next }
NF >= 4 { mark[$1] = $4 }
END {
	for (i = 1; i <= n; i++)
		printf "%-20s %-8s %14s %s\n", order[i], per[order[i]], now[order[i]],
		    (order[i] in mark) ? mark[order[i]] : "-"
}
