# links.awk: folders and links that a README names, and that do not exist
#
#   awk -v FILES="$(find … -type f)" -f links.awk READMEs…
#
# Looked at are markdown links without a scheme, `folder/`, and paths that begin with
# ../ or ./; from the README's own folder, from the root, from kernel/, or, a folder,
# by the end of its path; but build/, which make makes.  Files by their endings: refs.awk.

BEGIN {
	n = split(FILES, f, /[ \n]+/)
	for (i = 1; i <= n; i++) {
		p = f[i]; exists[p] = 1
		while (sub(/[^\/]*$/, "", p) && p != "") {
			for (q = p; q != ""; sub(/^[^\/]*\//, "", q)) end_of[q] = 1
			exists[p] = 1
			sub(/\/$/, "", p)
			exists[p] = 1
		}
	}
}
FNR == 1 { dir = FILENAME; if (!sub(/[^\/]*$/, "", dir)) dir = ""; fence = 0 }
/^[ \t]*```/ { fence = !fence }
fence { next }
{
	s = $0
	while (match(s, /\]\([^)# ]+[^)]*\)/)) {
		w = substr(s, RSTART + 2, RLENGTH - 3); sub(/#.*/, "", w)
		s = substr(s, RSTART + RLENGTH)
		if (w !~ /^[a-z]+:/ && !(at(dir, w) in exists)) say(w)
	}
	s = $0
	while (match(s, /`[^` ]+`/)) {
		w = substr(s, RSTART + 1, RLENGTH - 2)
		s = substr(s, RSTART + RLENGTH)
		if (w ~ /[*<>{}$…|"'(]/) continue
		if (w ~ /\.(c|h|S|md|tab|awk|pml)$/) continue
		if (w ~ /^\.\.?\//) { if (!(at(dir, w) in exists)) say(w) }
		else if (w !~ /^build\// && w ~ /^[a-z0-9_.-]+(\/[a-z0-9_.-]+)*\/$/ && !(w in end_of)) say(w)
	}
}
# The path w, seen from dir: ./ and ../ done.
function at(dir, w) {
	while (w ~ /^\.\.?(\/|$)/)
		if (w ~ /^\.\./) { sub(/^\.\.\/?/, "", w); sub(/[^\/]*\/$/, "", dir) }
		else sub(/^\.\/?/, "", w)
	w = dir w
	return w
}
function say(w) { print FILENAME ":" FNR ": nothing is at " w ": mend the path"; bad++ }
END { exit bad > 0 }
