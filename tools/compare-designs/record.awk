# record.awk: the figures as the book quotes them, or: are they still those?
#
# Input     as measure.awk; -v rooms="NAME=LINES ...", and -v then=FILE to compare
# Output    lines "PROGRAM-DESIGN MEASURE VALUE"; of a comparison what differs, status 1
#
# Rules     1. A change of the kernel that moves a figure by less than 5 % is no news.
#           2. Where more is used than fits, which page goes decides all, and a kernel of
#              another size chooses others: pressure* are recorded, not compared.
#           3. Which of several processes comes first to a page of all, the clock's ticks
#              decide: a kind of fault is news by a hundredth of all faults.

function figure(step, name, n, unsure, was) {
	if (then == "") {
		printf "%s %s %.0f\n", step, name, n
		return
	}
	if (step ~ /^pressure/ || !((step, name) in recorded))
		return
	was = recorded[step, name]
	unsure += was / 20 + least[name]
	if (n - was > unsure || was - n > unsure) {
		printf "compare-designs: %s %s is %.0f, recorded %.0f\n", step, name, n, was
		differs = 1
	}
}

function cases_of(p, d, k) {
	for (k = 1; k <= cases; k++)
		if (faults_of(case_name[k], p, d) > 0)
			figure(p "-" d, "case_" case_text[case_name[k]], faults_of(case_name[k], p, d),
				value("faults", p, d) / 100)
}

END {
	while (then != "" && (getline line < then) > 0) {
		split(line, w, " ")
		recorded[w[1], w[2]] = w[3]
	}
	for (k = 1; k <= measures; k++)
		least[measure[k]] = 2 * measure_least[measure[k]]
	for (i = 1; i <= all; i++)
		for (j = 1; j <= designs_n && order[i] in chosen; j++) {
			for (k = 1; k <= measures; k++)
				if ((v = value(measure[k], order[i], design[j])) != "")
					figure(order[i] "-" design[j], measure[k], v)
			cases_of(order[i], design[j])
		}
	n = split(rooms, room, " ")
	for (i = 1; i <= n; i++) {
		split(room[i], w, "=")
		figure("room-" w[1], "lines", w[2])
	}
	exit differs
}
