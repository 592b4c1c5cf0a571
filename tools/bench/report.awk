# report.awk: the table, and the page with its plots
#
# Input     linux, ours, bare (operation per figure), then goals.tab
# Output    the table; -v page=FILE: the page

FNR == 1 { file++ }
/^#/ || NF == 0 { next }
file == 1 { linux[$1] = $3; next }
file == 2 { ours[$1] = $3; per[$1] = $2; next }
file == 3 { bare[$1] = $3; next }
{
	name[++n] = $1
	group[$1] = $2
	reach[$1] = $3
	what = $0
	sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, "", what)
	text[$1] = what
}

# 12345.6 as 12,346; small ones keep a digit.
function number(x, s, r) {
	if (x + 0 < 100)
		return sprintf("%.1f", x)
	s = sprintf("%.0f", x)
	for (r = ""; length(s) > 3; s = substr(s, 1, length(s) - 3))
		r = "," substr(s, length(s) - 2) r
	return s r
}

function ratio(x, of) { return of > 0 ? sprintf("%.2f", x / of) : "-" }

# Where a ratio stands on the axis, which ends at the next fifth behind the longest bar, or
# at 2: a longer one is cut, and its number stands there.
function along(r) { return 190 + 420 * (r > axis ? axis : r) / axis }

function bar(r, class, y) {
	return sprintf("<rect class=\"%s\" x=\"190\" y=\"%d\" width=\"%.1f\" height=\"7\"/>", class, y, along(r) - 190)
}

END {
	printf "%-20s %-8s %13s %13s %6s %6s %13s %6s\n", "design " design, "per",
	    "Linux", "here", "ratio", "reach", "trace=off", "ratio"
	for (i = 1; i <= n; i++) {
		k = name[i]
		if (!(k in ours) || !(k in linux)) {
			printf "%-20s has no figure\n", k
			bad = 1
			continue
		}
		if (group[k] != last && last != "")
			print ""
		last = group[k]
		r = ours[k] / linux[k]
		met = r <= reach[k] + 0.0049
		if (!met) {
			missed++
			misses[k] = 1
		}
		longest = r > longest ? r : longest
		printf "%-20s %-8s %13s %13s %6s %6s %13s %6s%s\n", k, per[k],
		    number(linux[k]), number(ours[k]), ratio(ours[k], linux[k]), reach[k],
		    (k in bare) ? number(bare[k]) : "-",
		    (k in bare) ? ratio(bare[k], linux[k]) : "-", met ? "" : "  *"
		sum += log(r)
		if (k in bare) {
			bsum += log(bare[k] / linux[k])
			bn++
			longest = bare[k] / linux[k] > longest ? bare[k] / linux[k] : longest
		}
		rows++
		if (r > 1)
			above++
	}
	printf "\n%d rows; geometric mean %.2f, without the trace ring %.2f; %d above Linux; " \
	    "%d miss their figure (*)\n", rows, exp(sum / rows), exp(bsum / bn), above, missed
	axis = int(longest * 5 + 0.9999) / 5
	axis = axis < 1.2 ? 1.2 : axis > 2 ? 2 : axis
	if (page != "")
		draw()
	exit bad
}

function draw(i, k, r, y) {
	print "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>" > page
	print "<title>Instructions per operation</title><style>" > page
	print "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}" > page
	print "svg{width:100%;height:auto;max-width:680px}text{font:11px system-ui;fill:currentColor}" > page
	print ".o{fill:#2a6fb0}.b{fill:#9cc3e6}.l{stroke:#c33;stroke-width:1.5}.m{fill:#c33;color:#c33;font-weight:bold}.g{stroke:#999;stroke-width:.5}" > page
	print "table{border-collapse:collapse;font-size:.9em}td,th{padding:.1em .6em;text-align:right}" > page
	print "td:first-child,th:first-child,td:last-child,th:last-child{text-align:left}" > page
	print "div{overflow-x:auto}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}}</style>" > page
	printf "<h1>Instructions per operation</h1><p>Design %s, %d operations. The red line is Linux 6.1 in the same " \
	    "machine; dark bars are this kernel as it is, light ones with <code>trace=off</code>. The geometric mean is " \
	    "<b>%.2f</b>, without the trace ring %.2f. %s</p>\n", design, rows, exp(sum / rows), exp(bsum / bn),
	    missed ? sprintf("<span class=m>*</span> %d miss the figure that they shall reach.", missed) : \
	    "All reach their figures." > page
	printf "<svg viewBox=\"0 0 680 %d\" role=\"img\" aria-label=\"Bars: instructions of each operation by those of Linux\">\n", \
	    rows * 20 + 30 > page
	for (r = 0; r <= axis + 0.001; r += 0.2)
		printf "<line class=\"g\" x1=\"%.1f\" x2=\"%.1f\" y1=\"14\" y2=\"%d\"/><text x=\"%.1f\" y=\"10\" text-anchor=\"middle\">%.1f</text>\n", \
		    along(r), along(r), rows * 20 + 18, along(r), r > page
	for (i = 1; i <= n; i++) {
		k = name[i]
		if (!(k in ours) || !(k in linux))
			continue
		y = 20 * i
		r = ours[k] / linux[k]
		printf "<g><title>%s: %s of Linux%s</title><text%s x=\"184\" y=\"%d\" text-anchor=\"end\">%s%s</text>%s", \
		    text[k], ratio(ours[k], linux[k]), (k in misses) ? ", and shall reach " reach[k] : "", \
		    (k in misses) ? " class=\"m\"" : "", y + 8, k, (k in misses) ? " *" : "", bar(r, "o", y) > page
		if (k in bare)
			print bar(bare[k] / linux[k], "b", y + 7) > page
		if (r > axis)
			printf "<text x=\"616\" y=\"%d\">%.1f</text>", y + 9, r > page
		print "</g>" > page
	}
	printf "<line class=\"l\" x1=\"%.1f\" x2=\"%.1f\" y1=\"14\" y2=\"%d\"/></svg>\n", \
	    along(1), along(1), rows * 20 + 18 > page
	growth()
	print "<h2>All figures</h2><div><table><tr><th>operation<th>per<th>Linux<th>here<th>ratio<th>reach<th>what" > page
	for (i = 1; i <= n; i++) {
		k = name[i]
		if ((k in ours) && (k in linux))
			printf "<tr><td>%s<td>%s<td>%s<td>%s<td>%s%s<td>%s<td>%s\n", k, per[k], number(linux[k]), \
			    number(ours[k]), ratio(ours[k], linux[k]), (k in misses) ? " <span class=m>*</span>" : "", \
			    reach[k], text[k] > page
	}
	print "</table></div>" > page
	close(page)
}

# fork by touched memory: both lines should be straight, ours below.
function growth(i, x, y, top, m, sizes, p, q, c) {
	m = split("1 4 16 64 128 256", sizes, " ")
	top = ours["fork-256m"] > linux["fork-256m"] ? ours["fork-256m"] : linux["fork-256m"]
	if (top == 0)
		return
	for (i = 1; i <= m; i++) {
		x = 60 + 560 * sizes[i] / 256
		p = p sprintf(" %.1f,%.1f", x, 260 - 240 * ours["fork-" sizes[i] "m"] / top)
		q = q sprintf(" %.1f,%.1f", x, 260 - 240 * linux["fork-" sizes[i] "m"] / top)
		c = c sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" class=\"o\"/>", x, 260 - 240 * ours["fork-" sizes[i] "m"] / top)
	}
	print "<h2>Growth: fork, exit and wait by touched memory</h2>" > page
	print "<svg viewBox=\"0 0 680 300\" role=\"img\" aria-label=\"Two lines: instructions of a fork by MiB touched\">" > page
	print "<line class=\"g\" x1=\"60\" x2=\"640\" y1=\"260\" y2=\"260\"/><line class=\"g\" x1=\"60\" x2=\"60\" y1=\"20\" y2=\"260\"/>" > page
	for (i = 3; i <= m; i++)
		printf "<text x=\"%.0f\" y=\"276\" text-anchor=\"middle\">%d MiB</text>", 60 + 560 * sizes[i] / 256, sizes[i] > page
	printf "<text x=\"54\" y=\"26\" text-anchor=\"end\">%.0f M</text>", top / 1e6 > page
	printf "<polyline points=\"%s\" fill=\"none\" stroke=\"#2a6fb0\" stroke-width=\"2\"/>", p > page
	printf "<polyline points=\"%s\" fill=\"none\" stroke=\"#c33\" stroke-width=\"2\"/>%s", q, c > page
	print "<text x=\"70\" y=\"40\">blue: here, red: Linux</text></svg>" > page
}
