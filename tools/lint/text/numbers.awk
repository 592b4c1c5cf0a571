# numbers.awk: numbers of the reference that no page defines, or two do
#
#   awk -v FILES="$(find …)" -f numbers.awk book/reference/*.md book/appendix/*.md comments
#
# I7, R6a, D3, A20, T9, F1z are numbers of the reference: invariants, rules of waiting,
# deadlocks, claims, programs, fault cases.  A line that begins with the number in
# bold (after "|", "-" or "#"s) defines it, once; in the appendix a
# heading of the number does, where no page has it in bold.  Asked for are those
# in comments (the answer of comments.awk), in FILES the names of test programs
# (t09_mprotect.c is T9).  A letter of which nothing is defined is not looked at.

BEGIN { number = "[ADFIRT][0-9]+[a-z]?" }
FILENAME ~ /^(.*\/)?book\/(reference|appendix)\/[^\/]*\.md$/ {
	line = $0
	sub(/^[ \t]*(\||-|#+)?[ \t]*/, "", line)
	if (match(line, "^\\*\\*" number "(\\*\\*|[^A-Za-z0-9])")) {
		w = substr(line, 3, RLENGTH - 3); sub(/[^A-Za-z0-9].*$/, "", w)
		if (w in bold) { print FILENAME ":" FNR ": " w " is defined again (" bold[w] "): one page defines a number, others link to it"; bad++ }
		else bold[w] = FILENAME ":" FNR
		class[substr(w, 1, 1)] = 1
	} else if (/^#/ && match(line, "^" number "[ \t]")) {
		w = substr(line, 1, RLENGTH - 1)
		heading[w] = 1
		class[substr(w, 1, 1)] = 1
	}
	next
}
{
	at = $1; text = $0; sub(/^[^ ]+ /, "", text)
	while (match(text, number)) {
		w = substr(text, RSTART, RLENGTH)
		before = RSTART > 1 ? substr(text, RSTART - 1, 1) : " "
		after = substr(text, RSTART + RLENGTH, 1)
		text = substr(text, RSTART + RLENGTH)
		# a hexadecimal number, a part of a name: no number of ours
		if (before ~ /[A-Za-z0-9_#%$.]/ || after ~ /[A-Za-z0-9_]/) continue
		asked(at, w)
	}
}
function asked(at, w) {
	if (!(substr(w, 1, 1) in class) || w in bold || w in heading) return
	print at " no page of book/reference defines " w ": define it there, or cite the number that is meant"; bad++
}
END {
	n = split(FILES, f, /[ \n]+/)
	for (i = 1; i <= n; i++) {
		p = f[i]
		if (p !~ /^kernel\/test\/progs\/.*\.c$/) continue
		sub(/^.*\//, "", p)
		if (p ~ /^[adt][0-9][0-9]_/) asked(f[i] ":", toupper(substr(p, 1, 1)) (substr(p, 2, 2) + 0))
	}
	exit bad > 0
}
