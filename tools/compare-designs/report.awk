# report.awk: the table; of the figures of measure.awk

function table(i, j, k, p, m) {
	printf "%-15s %-9s", "program", "per"
	printf "%-8s", "design"
	for (k = 1; k <= measures; k++)
		printf " %10s", measure_column[measure[k]]
	print ""
	for (i = 1; i <= all; i++) {
		p = order[i]
		if (!(p in chosen))
			continue
		for (j = 1; j <= designs_n; j++) {
			printf "%-15s %-9s%-8s", j == 1 ? p : "", j == 1 ? per[p] : "", design[j]
			for (k = 1; k <= measures; k++)
				printf " %10s", number(value(measure[k], p, design[j]))
			print ""
		}
	}
	print "\ninstr/op: instructions an operation.  records, tables: the kernel's memory at the peak, in bytes a page,"
	print "fork or mapping, what is the same under all (a child's process and mappings) included."
	print "chain: parents that the longest look-up has passed, since boot.  locks: taken by all threads (-l)."
	gsub(/=/, " ", rooms)
	print "\nlines of each room, comments included: " rooms
}

function by_case(i, j, k, p) {
	printf "\n%-15s %-8s", "faults by case", "design"
	for (k = 1; k <= cases; k++)
		if (occurs(case_name[k]))
			printf " %9s", case_name[k]
	printf "\n%-15s %-8s", "", ""
	for (k = 1; k <= cases; k++)
		if (occurs(case_name[k]))
			printf " %9s", substr(case_text[case_name[k]], 1, 9)
	print ""
	for (i = 1; i <= all; i++) {
		p = order[i]
		if (!(p in chosen))
			continue
		for (j = 1; j <= designs_n; j++) {
			printf "%-15s %-8s", j == 1 ? p : "", design[j]
			for (k = 1; k <= cases; k++)
				if (occurs(case_name[k]))
					printf " %9s", number(faults_of(case_name[k], p, design[j]))
			print ""
		}
	}
}

function losses(i, k, w, n) {
	printf "\nwhere %s loses:\n", base
	for (i = 1; i <= all; i++)
		for (k = 1; k <= measures; k++)
			if ((order[i] in chosen) && (w = winner(measure[k], order[i])) != "") {
				printf "  %-15s %s\n", order[i], loss(measure[k], order[i], w)
				n++
			}
	if (n == 0)
		print "  nowhere here"
}

# For those who quote them: "design program measure value".
function figures(i, j, k) {
	for (i = 1; i <= all; i++)
		for (j = 1; j <= designs_n; j++)
			for (k = 1; k <= measures; k++)
				if ((order[i] in chosen) && value(measure[k], order[i], design[j]) != "")
					printf "%s %s %s %.0f\n", design[j], order[i], measure[k], \
					    value(measure[k], order[i], design[j]) >figures_file
}

END {
	table()
	by_case()
	losses()
	if (figures_file != "")
		figures()
	if (page != "")
		draw()
}
