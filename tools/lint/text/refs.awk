# refs.awk: functions and files that a comment names, and that do not exist
#
#   awk -v FILES="$(git ls-files)" -f refs.awk symbols words comments
#
# symbols: the answer of symbols.awk for all sources; words: names that are not
# ours, one a line before its reason; comments: the answer of comments.awk.
# A name is known when code names it: what compiles exists.  Looked at are
# name(), a_name (with _), and files but for a.c, which are found from the root, from
# kernel/, from their own folder, or by the end of their path.

BEGIN {
	n = split(FILES, f, /[ \n]+/)
	for (i = 1; i <= n; i++) {
		p = f[i]; exists[p] = 1
		while (sub(/^[^\/]*\//, "", p)) end_of[p] = 1
		end_of[p] = 1
		if (p ~ /\.(c|sh)$/) { sub(/\.[a-z]+$/, "", p); known[p] = 1 }
		if (f[i] ~ /^book\/reference\//) reference = 1
	}
}
FNR == 1 { part++ }
part == 1 { if ($1 == "use" || $1 == "fn" || $1 == "str") known[$2] = 1; else if ($1 == "tag") known[$3] = 1; next }
part == 2 { if ($1 !~ /^#/) known[$1] = 1; next }
{
	at = $1; text = $0; sub(/^[^ ]+ /, "", text)
	file = at; sub(/:.*/, "", file)
	files(text)
	names(text)
}

# The path that stands before a name, ../ by ../, up from the comment's folder; "": none.
function above(s, dir) {
	if (s !~ /(^|[^A-Za-z_0-9.\/])(\.\.\/)+([a-z_0-9-]+\/)*$/) return ""
	sub(/.*[^A-Za-z_0-9.\/-]/, "", s)
	while (sub(/^\.\.\//, "", s)) sub(/[^\/]*\/$/, "", dir)
	return dir s
}
function files(s,   ref, before, head, dir, up) {
	while (match(s, /[a-z_0-9][a-z_0-9-]*(\/[a-z_0-9-]+)*\.(c|h|S|md|tab|awk|pml)[^A-Za-z_0-9]/) ||
	       match(s, /[a-z_0-9][a-z_0-9-]*(\/[a-z_0-9-]+)*\.(c|h|S|md|tab|awk|pml)$/)) {
		before = RSTART > 1 ? substr(s, RSTART - 1, 1) : ""
		head = substr(s, 1, RSTART - 1)
		ref = substr(s, RSTART, RLENGTH); sub(/[^A-Za-z_0-9]$/, "", ref)
		s = substr(s, RSTART + length(ref))
		dir = file; sub(/[^\/]*$/, "", dir)
		up = above(head, dir)
		if (up != "") {
			if (!((up ref) in exists)) { print at " no file " up ref ": name the one that is meant, or mend the path"; bad++ }
			continue
		}
		if (before ~ /[A-Za-z_0-9.*%}$<-]/ || ref ~ /^(sys|linux|asm)\/.*\.h$|^[a-z]\.[a-z]+$/ || ref in known) continue
		# documents are looked for where there is a reference
		if (ref ~ /\.md$/ && !reference) continue
		if (before == "/" && !(ref in end_of)) continue
		if (!(ref in exists) && !(("kernel/" ref) in exists) && !((dir ref) in exists) && !(ref in end_of)) {
			print at " no file " ref ": name the one that is meant, or mend the path"; bad++
		}
	}
}
function names(s,   w, after, before) {
	while (match(s, /[A-Za-z_][A-Za-z_0-9]*/)) {
		w = substr(s, RSTART, RLENGTH)
		before = RSTART > 1 ? substr(s, RSTART - 1, 1) : " "
		after = substr(s, RSTART + RLENGTH, 3)
		s = substr(s, RSTART + RLENGTH)
		if (w in known || before ~ /[\/.%$<0-9*-]/) continue
		if (after ~ /^\(\)/ || (w ~ /^[a-z][a-z0-9]*(_[a-z0-9]+)+$/ && after !~ /^([.*\/<-]|_?[A-Z])/)) {
			if (w ~ /s$/ && substr(w, 1, length(w) - 1) in known) continue
			print at " no code has the name " w ": mend the comment, or put a foreign name into tools/lint/text/words.txt"; bad++
		}
	}
}
END { exit bad > 0 }
