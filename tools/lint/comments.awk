# comments.awk: the comments of files, FILE:LINE: text, for the checks that read them
#
#   awk -f comments.awk files…
#
# Of C and assembly what stands in comments, of .md all but fenced code, of
# everything else what follows a "#".

FNR == 1 {
	comment = 0; fence = 0
	how = FILENAME ~ /\.([chS]|pml)$/ ? "c" : FILENAME ~ /\.md$/ ? "md" : "sh"
}
how == "c" { t = of_c($0) }
how == "md" { if (/^[ \t]*```/) fence = !fence; t = fence ? "" : $0 }
how == "sh" { t = match($0, /(^|[ \t])#/) ? substr($0, RSTART + RLENGTH) : "" }
t != "" { print FILENAME ":" FNR ": " t }

function of_c(s,   t, i, c) {
	t = ""
	while (s != "") {
		if (comment) {
			i = index(s, "*/")
			if (!i) return t s
			t = t substr(s, 1, i - 1) " "
			s = substr(s, i + 2); comment = 0
			continue
		}
		if (!match(s, /\/\*|\/\/|"([^"\\]|\\.)*"|'([^'\\]|\\.)*'/)) return t
		c = substr(s, RSTART, 2)
		s = substr(s, RSTART + RLENGTH)
		if (c == "//") return t s
		if (c == "/*") comment = 1
	}
	return t
}
