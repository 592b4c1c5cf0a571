# layers.awk: calls between object files against kernel/layers.txt
#
#   nm -A -g objects… | awk -f layers.awk kernel/layers.txt -
#
# A call goes to its own rank or lower.  Objects are looked at, not includes:
# a hand-written prototype cannot hide from nm.  "circle N PREFIX": files of one
# folder below PREFIX that call each other in a circle are N at most, and folders
# there do not call sideways: so no design calls another.

FNR == NR {
	if ($1 == "floor") floor[$2] = 1
	else if ($1 == "names") { names[$2] = $0; sub(/^names [^ ]* /, "", names[$2]) }
	else if ($1 == "circle") circle[$3] = $2 + 0
	else if ($1 ~ /^[0-9]/) rank[$2] = $1 + 0
	next
}
{
	n = split($0, w, /[: ]+/); obj = w[1]; sym = w[n]
	sub(/^.*build[^\/]*\//, "", obj)
	if (w[n - 1] == "U") use[obj, sym] = 1
	else if (w[n - 1] ~ /^[TDBRVWC]$/ && !(sym in def && w[n - 1] ~ /^[VW]$/)) { def[sym] = obj; if (w[n - 1] == "T") code[sym] = obj }
}
function rk(p,   k, best, len) {
	len = 0
	for (k in rank)
		if (index(p, k) == 1 && length(k) > len) { best = rank[k]; len = length(k) }
	if (!len) { print p ": no rank in layers.txt"; bad++ }
	return best
}
function is_floor(s,   f) {
	for (f in floor)
		if (index(s, f) == 1) return 1
	return 0
}
function folder(p) { sub(/[^\/]*$/, "", p); return p }
function most(p,   c, best) { # files in a circle, where p lies; 0: as many as like
	for (c in circle)
		if (index(p, c) == 1 && length(c) > length(best)) best = c
	return best == "" ? 0 : circle[best]
}
# Marks in seen[] what `from` reaches inside its folder.
function reach(from, seen,   n, w, i) {
	n = split(next_of[from], w, " ")
	for (i = 1; i <= n; i++)
		if (!(w[i] in seen)) { seen[w[i]] = 1; reach(w[i], seen) }
}
function circles(   o, d, mine, others, n, text) {
	for (o in next_of) {
		delete mine
		reach(o, mine)
		n = 0; text = ""
		for (d in mine) {
			delete others
			reach(d, others)
			if (o in others) { n++; text = text " " d }
			if (o in others && d < o) break
		}
		# each circle once: by its first file
		if (!(d in mine && o in others && d < o) && n > most(o)) {
			print o " is in a circle of " n " files, more than " most(o) ":" text; bad++
		}
	}
}
# Does a function of a room have a name of this room?
function prefixes(   s, d, p, n, w, i) {
	for (s in code) {
		d = folder(code[s])
		if (!(d in names) || index(s, "vm_") == 1) continue
		n = split(names[d], w, " ")
		for (i = 1; i <= n && index(s, w[i]) != 1; i++) ;
		if (i > n) { print code[s] ": " s "() has no name of this room: " names[d]; bad++ }
	}
}
END {
	prefixes()
	for (us in use) {
		split(us, a, SUBSEP); o = a[1]; s = a[2]; d = def[s]
		if (d == "" || d == o || is_floor(s)) continue
		if (most(o) && most(d)) {
			if (folder(o) == folder(d)) {
				if (!((o, d) in arrow)) next_of[o] = next_of[o] " " d
				arrow[o, d] = 1
			} else if (rk(o) == rk(d)) {
				print o " calls sideways to " d ": " s; bad++
			}
		}
		if (rk(o) < rk(d)) { print o " calls up to " d ": " s; bad++ }
	}
	circles()
	exit bad > 0
}
