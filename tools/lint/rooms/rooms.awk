# rooms.awk: headers of rooms of vm/ that a file includes and does not use
#
#   awk -f rooms.awk kernel/vm/*/*.h kernel/vm/*/*.c …
#
# Headers first.  A .c file includes the header of another room when it uses a
# name that is declared there: so the includes say whom a file depends on.  No
# two .c files of vm/ have one name, either.

FNR == 1 {
	body = comment = 0
	room = FILENAME; sub(/^kernel\//, "", room); sub(/[^\/]*$/, "", room)
	base = FILENAME; sub(/.*\//, "", base)
	if (base ~ /\.c$/) {
		if (base in at) say(FILENAME, "another file has this name (" at[base] "): name each by what it does")
		at[base] = FILENAME
	}
}
/^#include "vm\// && FILENAME ~ /\.c$/ {
	split($0, q, "\"")
	if (index(q[2], room) != 1) { where[FILENAME, q[2]] = FNR; inc[FILENAME] = inc[FILENAME] " " q[2] }
	next
}
{
	s = $0
	if (comment) { if (!sub(/^.*\*\//, "", s)) next; comment = 0 }
	gsub(/\/\*[^*]*(\*[^*\/][^*]*)*\*\//, " ", s)
	gsub(/"(\\.|[^"\\])*"/, " ", s)
	if (sub(/\/\*.*/, "", s)) comment = 1
}
FILENAME ~ /\.h$/ {
	if (s ~ /^(struct|enum|union) [a-z_0-9]+ \{/) { split(s, w, " "); has(w[1] " " w[2]) }
	if (s ~ /^enum [a-z_0-9]* *\{/) body = 1
	if (body) {
		t = s; sub(/^enum [a-z_0-9]* *\{/, "", t)
		while (match(t, /[A-Z][A-Z_0-9a-z]+/)) { has(substr(t, RSTART, RLENGTH)); t = substr(t, RSTART + RLENGTH) }
		if (s ~ /\}/) body = 0
	} else if (s ~ /^#define/) {
		split(s, w, /[ \t(]+/); has(w[2])
	} else if (s ~ /^[a-z]/) {
		t = s
		ends = s ~ /^extern/ ? "[a-z_0-9]+[(,;\\[]" : "[a-z_0-9]+\\("
		while (match(t, ends)) { has(substr(t, RSTART, RLENGTH - 1)); t = substr(t, RSTART + RLENGTH) }
	}
}
FILENAME ~ /\.c$/ {
	t = s
	while (match(t, /[A-Za-z_][A-Za-z_0-9]*/)) {
		w1 = substr(t, RSTART, RLENGTH); t = substr(t, RSTART + RLENGTH)
		seen[FILENAME, w1] = 1
		if (last == "struct" || last == "enum") seen[FILENAME, last " " w1] = 1
		if (w1 == "design" || w1 == "school") seen[FILENAME, "struct " w1] = 1
		last = w1
	}
}
function has(name,   h) { h = FILENAME; sub(/^kernel\//, "", h); names[h] = names[h] SUBSEP name }
function say(f, msg) { print f ": " msg; bad++ }
END {
	for (f in inc) {
		n = split(inc[f], hs, " ")
		for (i = 1; i <= n; i++) {
			m = split(names[hs[i]], ns, SUBSEP); found = 0
			for (j = 2; j <= m && !found; j++) found = (f, ns[j]) in seen
			if (!found) say(f ":" where[f, hs[i]], "uses nothing of " hs[i] ": leave it out")
		}
	}
	exit bad > 0
}
