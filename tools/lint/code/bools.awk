# bools.awk: a bare true or false as an argument, in kernel/vm
#
#   awk -f bools.awk kernel/vm/…/*.[ch] …
#
# f(pg, false) does not say what is false.  Let a function of its own name say it
# (page_unpin(), page_unpin_dirty()), or a constant of an enum (FLUSH_PAGES).
# Passed over are stores of a flag.

BEGIN { split("atomic_store atomic_xchg fault_inject", w, " "); for (i in w) ok[w[i]] = 1 }
FNR == 1 { depth = 0; comment = 0; split("", fn) }
{
	s = $0
	while (s != "") {
		if (comment) {
			if (!(i = index(s, "*/"))) break
			s = substr(s, i + 2); comment = 0
			continue
		}
		if (!match(s, /\/\*|"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|[A-Za-z_][A-Za-z_0-9]*|[(),;{}]/)) break
		t = substr(s, RSTART, RLENGTH)
		gap = substr(s, 1, RSTART - 1)
		s = substr(s, RSTART + RLENGTH)
		if (t == "/*") { comment = 1; continue }
		if (t == "(") { fn[++depth] = word; alone = 1 }
		else if (t == ",") alone = 1
		else if (t == ")") {
			if (value != "" && gap ~ /^[ \t]*$/) said()
			if (depth > 0) depth--
			alone = 0
		} else if (t ~ /^[;{}]$/) { depth = 0; alone = 0 }
		else if (t == "true" || t == "false") {
			if (alone && gap ~ /^[ \t]*$/ && depth > 0) { value = t; at = FNR; word = t; continue }
			alone = 0
		} else alone = 0
		if (t == "," && value != "" && gap ~ /^[ \t]*$/) said()
		value = ""
		word = t ~ /^[A-Za-z_]/ && t !~ /^(if|while|for|return|sizeof)$/ ? t : ""
	}
}
function said() {
	if (fn[depth] == "" || fn[depth] in ok) return
	print FILENAME ":" at ": " fn[depth] "(… " value " …): say it by a name: a call of its own, or a constant"; bad++
}
END { exit bad > 0 }
