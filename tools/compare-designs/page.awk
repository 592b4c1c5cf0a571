# page.awk: the page with its plots; of the figures of measure.awk
#
# One file, nothing fetched; bars are boxes whose width is a share of the longest in
# their group, so that it can be read on a telephone, too.

function put(s) { print s > page }

# What stands in a table or text: & and < would be markup.
function plain(s) {
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	return s
}

function bar(name, share, class, text, tip) {
	put(sprintf("<div class=r title=\"%s\"><span>%s</span><i><b class=\"%s\" style=\"width:%.1f%%\"></b></i><em>%s</em></div>", \
	    tip, name, class, 100 * share, text))
}

# A group of bars for each program that has some of measure m.
function plot(m, i, j, p, most, v) {
	put("<div class=grid>")
	for (i = 1; i <= all; i++) {
		p = order[i]
		most = 0
		for (j = 1; j <= designs_n; j++) {
			v = (p in chosen) ? value(m, p, design[j]) : 0
			most = v > most ? v : most
		}
		if (most < measure_least[m])
			continue
		put("<section><h3>" p (m == "instructions" ? " <small>a " per[p] "</small>" : "") \
		    (m == "records" || m == "tables" ? " <small>a " kind[p] "</small>" : "") "</h3>")
		for (j = 1; j <= designs_n; j++) {
			v = value(m, p, design[j])
			bar(design[j], v > 0 ? v / most : 0, "d" j, number(v), \
			    p " under " design[j] ": " number(v) " " measure_text[m])
		}
		put("</section>")
	}
	put("</div>")
}

# Faults by case: a bar of parts for each design.
function plot_cases(i, j, k, p, most, sum, v, parts) {
	put("<p class=legend>")
	for (k = 1; k <= cases; k++)
		if (occurs(case_name[k]))
			put(sprintf("<span><b class=\"c%d\"></b>%s %s</span>", k, case_name[k], case_text[case_name[k]]))
	put("</p><div class=grid>")
	for (i = 1; i <= all; i++) {
		p = order[i]
		if (!(p in chosen))
			continue
		most = 0
		for (j = 1; j <= designs_n; j++) {
			sum[j] = 0
			for (k = 1; k <= cases; k++)
				sum[j] += faults_of(case_name[k], p, design[j])
			most = sum[j] > most ? sum[j] : most
		}
		if (most == 0)
			continue
		put("<section><h3>" p "</h3>")
		for (j = 1; j <= designs_n; j++) {
			parts = ""
			for (k = 1; k <= cases; k++) {
				v = faults_of(case_name[k], p, design[j])
				if (v > 0)
					parts = parts sprintf("<b class=\"c%d\" style=\"width:%.2f%%\" title=\"%s %s: %s\"></b>", \
					    k, 100 * v / most, case_name[k], case_text[case_name[k]], number(v))
			}
			put("<div class=r><span>" design[j] "</span><i>" parts "</i><em>" number(sum[j]) "</em></div>")
		}
		put("</section>")
	}
	put("</div>")
}

function all_figures(i, j, k, p) {
	put("<div class=wide><table><tr><th>program<th>design")
	for (k = 1; k <= measures; k++)
		put("<th>" measure_column[measure[k]])
	for (i = 1; i <= all; i++) {
		p = order[i]
		if (!(p in chosen))
			continue
		for (j = 1; j <= designs_n; j++) {
			put(sprintf("<tr%s><td>%s<td>%s", j == 1 ? " class=first" : "", j == 1 ? p : "", design[j]))
			for (k = 1; k <= measures; k++)
				put("<td>" number(value(measure[k], p, design[j])))
		}
	}
	put("</table></div>")
}

function lost(i, k, p, w, n) {
	put("<ul>")
	for (i = 1; i <= all; i++)
		for (k = 1; k <= measures; k++) {
			p = order[i]
			if ((p in chosen) && (w = winner(measure[k], p)) != "") {
				put("<li><b>" p "</b>: " plain(loss(measure[k], p, w)))
				n++
			}
		}
	if (n == 0)
		put("<li>nowhere among these programs")
	put("</ul>")
}

function style(k, hue) {
	put("<style>:root{color-scheme:light dark;--back:#fff;--fore:#222;--soft:#666;--line:#ddd;--box:#f2f2f2}")
	put("@media(prefers-color-scheme:dark){:root{--back:#181818;--fore:#ddd;--soft:#999;--line:#444;--box:#262626}}")
	put("body{font:16px/1.5 system-ui,sans-serif;max-width:76em;margin:2em auto;padding:0 1em;background:var(--back);color:var(--fore)}")
	put("h1,h2{line-height:1.2}h2{margin:2em 0 .5em}h3{font-size:1em;margin:0 0 .2em}small{color:var(--soft);font-weight:400}")
	put(".grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(20em,100%),1fr));gap:.7em 2em}")
	put("section{min-width:0}.r{display:grid;grid-template-columns:4em 1fr 6.5em;gap:.5em;align-items:center;font-size:.85em}")
	put(".r i{display:flex;height:.75em;background:var(--box);overflow:hidden}.r b{height:100%}")
	put(".r em{font-style:normal;text-align:right;font-variant-numeric:tabular-nums}")
	put(".legend span{display:inline-block;margin-right:1.2em;font-size:.85em}.legend b{display:inline-block;width:.8em;height:.8em;margin-right:.4em}")
	split("#2a6fb0 #d08020 #5a9a4a #a04a9a #b04040 #409a9a", hue, " ")
	for (k = 1; k <= designs_n; k++)
		put(".d" k "{background:" hue[(k - 1) % 6 + 1] "}")
	for (k = 1; k <= cases; k++)
		put(sprintf(".c%d{background:hsl(%d 55%% %d%%)}", k, (k - 1) * 137 % 360, 45 + k % 3 * 9))
	put(".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85em}td,th{padding:.1em .6em;text-align:right;white-space:nowrap}")
	put("td{font-variant-numeric:tabular-nums}td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}.first td{border-top:1px solid var(--line)}")
	boxes_style()
	put("dl{font-size:.9em}dt{font-weight:600}dd{margin:0 0 .3em 1.2em}.bad{border-left:.3em solid #c33;padding-left:.7em}</style>")
}

# Panels of the book's six.mjs: words blue, records brown, frames green.
function boxes_style() {
	put(":root{--a:#0550ae;--a1:#ddf0ff;--b:#953800;--b1:#fff1e0;--c:#116329;--c1:#e2f7e6}")
	put("@media(prefers-color-scheme:dark){:root{--a:#79c0ff;--a1:#10304f;--b:#ffa657;--b1:#402512;--c:#7ee787;--c1:#12371f}}")
	put(".six{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(21em,100%),1fr));gap:1.2em 2.5em}.six svg{display:block;width:100%}")
	put(".six text{fill:var(--fore);font-size:14px}.six .small{font-size:12px}.six .faint{fill:var(--soft)}.six .bold{font-weight:650}.six .end{text-anchor:end}")
	put(".six .box-a{fill:var(--a1);stroke:var(--a)}.six .box-b{fill:var(--b1);stroke:var(--b)}.six .box-c{fill:var(--c1);stroke:var(--c)}")
	put(".six .line{fill:none;stroke:var(--fore);stroke-width:1.3}.six .head{fill:var(--fore)}")
}

# The same fork under each, drawn from graphs that the kernel's sources have made.
function same_fork(line) {
	if (boxes == "" || (getline line < boxes) <= 0)
		return
	put("<h2>The same fork</h2><p>A process A with two pages, after a fork. Blue: what the words say; W and R: they allow a store, a load. " \
	    "Brown: records, and how many count on each. Green: frames, and who stored last. Under frames the program keeps its memory with libframes; below, as a Linux program.</p>")
	do
		put(line)
	while ((getline line < boxes) > 0)
	close(boxes)
}

function draw(i, j, n) {
	put("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">")
	put("<title>The same programs under each design</title>")
	style()
	put("<h1>The same programs under each design</h1>")
	for (i = 1; i <= all; i++)
		n += (order[i] in chosen)
	put("<p>" n " program" (n == 1 ? "" : "s") ", " designs_n " designs of virtual memory (" designs "), one kernel, one machine. ")
	if (failed == 0)
		put("The answers were the same under each, byte for byte. ")
	put("Instructions are counted by the emulator; everything else is a counter of the kernel.</p>")
	if (failed != 0)
		put("<p class=bad><b>This run has failed</b>: an answer, a claim or a program. What the terminal said tells which.</p>")
	put("<p class=legend>")
	for (j = 1; j <= designs_n; j++)
		put("<span><b class=d" j "></b>" design[j] "</span>")
	put("</p><p>A bar's length is its share of the longest of its program; programs without any are left out.</p>")
	same_fork()
	put("<h2>Where " base " loses</h2><p>By more than 2 %, against the best of the others:</p>")
	lost()
	put("<h2>Instructions per operation</h2>")
	plot("instructions")
	put("<h2>Faults by case</h2><p>What the faults of all processes came to. The cases are those of the book&#8217;s chapter 6.</p>")
	plot_cases()
	put("<h2>Pages copied</h2>")
	plot("copies")
	put("<h2>Frames taken</h2>")
	plot("frames")
	put("<h2>Memory for records</h2><p>Kernel memory at the peak, but for page tables: in bytes a page, a fork, a mapping. " \
	    "What is the same under all designs, as a child&#8217;s process and its mappings, is included.</p>")
	plot("records")
	put("<h2>Memory for page tables</h2>")
	plot("tables")
	put("<h2>Page-ins</h2>")
	plot("in")
	put("<h2>Page-outs</h2>")
	plot("out")
	put("<h2>Locks taken</h2><p>By all threads, each program once more with locks=1.</p>")
	plot("locks")
	put("<h2>All figures</h2>")
	all_figures()
	put("<h2>The programs</h2><dl>")
	for (i = 1; i <= all; i++)
		if (order[i] in chosen)
			put("<dt>" order[i] "<dd>" plain(about[order[i]]))
	put("</dl>")
	close(page)
}
