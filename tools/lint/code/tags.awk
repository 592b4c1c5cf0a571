# tags.awk: every field of a struct in a *dat.h says which lock guards it
#
#   awk -f tags.awk kernel/*/*dat.h
#   awk -v ALL=1 -f tags.awk kernel/vm/space/space.h kernel/vm/*/*.h
#
# Tags: [M] [W] [O] [X] [F] [P] [S] [A] [c] [cpu] [B] [s] (book: locks), and
# [own]: only the thread that owns the object, and what the comment at the top
# of the file explains as "[L] …"; with ALL=1 that of the first file, for all.  A tag in the comment right
# above a struct is for all its fields; ops structs are constant; locks, wait
# queues, timers and work items guard themselves.  A nested
# anonymous struct or union may carry its tag on the closing line.

FNR == 1 { depth = 0; comment = 0; above = ""; if (!ALL) split("", known); top = 1 }
top && /^#/ { top = 0 }
top {
	rest = $0
	while (match(rest, /\[[A-Za-z]+\]/)) {
		known[substr(rest, RSTART + 1, RLENGTH - 2)] = 1
		rest = substr(rest, RSTART + RLENGTH)
	}
}
depth == 0 {
	if ($0 ~ /^\/\*/) above = $0
	else if ($0 ~ /^ \*/) above = above $0
	else if ($0 !~ /^struct/) above = ""
}
{
	line = $0
	if (comment) {
		if (line !~ /\*\//) next
		sub(/^.*\*\//, "", line); comment = 0
	}
	code = line
	gsub(/\/\*[^*]*(\*[^*\/][^*]*)*\*\//, "", code)
	if (code ~ /\/\*/) { sub(/\/\*.*/, "", code); opened = 1; } else opened = 0
}
depth == 0 && code ~ /^struct [a-z_0-9]+ \{/ { name = $2; depth = 1; npend = 0; all = (above ~ /\[[A-Za-z]+\]/ || name ~ /_ops$/); above = ""; if (opened) comment = 1; next }
depth > 0 {
	if (code ~ /\{[ \t]*$/) depth++
	else if (code ~ /^[ \t]*\}/) {
		depth--
		if (depth == 0) { flush_(); if (opened) comment = 1; next }
		if (has_tag(line)) npend = 0
	} else if (code ~ /;/ && code !~ /^[ \t]*(_Static_assert|struct (spinlock|mutex|rwlock|waitq|timer|work) )/) {
		# the tag may stand in a comment that ends on the next line
		if (all) ;
		else if (!has_tag(line)) { pend[++npend] = FILENAME ":" FNR ": struct " name ": no lock tag: " trim(code) }
		else check(line)
	}
	if (opened) { comment = 1 }
}
function has_tag(s) { return s ~ /\/\*[ \t]*\[[A-Za-z]+[^\]]*\]/ }
function check(s,   t, rest) {
	rest = s
	sub(/^.*\/\*[ \t]*/, "", rest)
	while (match(rest, /^\[[A-Za-z]+[^\]]*\][ ,]*/)) {
		t = substr(rest, 2, index(rest, "]") - 2)
		rest = substr(rest, RLENGTH + 1)
		sub(/[ ,].*/, "", t)
		if (!(t in known) && t !~ /^(M|W|O|X|F|P|S|A|c|cpu|B|s|own)$/) {
			print FILENAME ":" FNR ": struct " name ": unknown tag [" t "]"; bad++
		}
	}
}
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
function flush_(   i) { for (i = 1; i <= npend; i++) { print pend[i]; bad++ } npend = 0 }
END { exit bad > 0 }
