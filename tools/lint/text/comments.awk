# comments.awk: the comments of files that are not C, FILE:LINE: text, as ctext --comments
#
#   awk -f comments.awk files…
#
# Of .md all but fenced code, of everything else what follows a "#".

FNR == 1 {
	fence = 0
	how = FILENAME ~ /\.md$/ ? "md" : "sh"
}
how == "md" { if (/^[ \t]*```/) fence = !fence; t = fence ? "" : $0 }
how == "sh" { t = match($0, /(^|[ \t])#/) ? substr($0, RSTART + RLENGTH) : "" }
t != "" { print FILENAME ":" FNR ": " t }
