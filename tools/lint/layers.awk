# layers.awk: calls between object files against kernel/layers.txt
#
#   nm -A -g objects… | awk -f layers.awk kernel/layers.txt -
#
# A call goes to its own rank or lower.  Objects are looked at, not includes:
# a hand-written prototype cannot hide from nm.

FNR == NR {
	if ($1 == "wall") { wa[++nw] = $2; wb[nw] = $3 }
	else if ($1 == "floor") floor[$2] = 1
	else if ($1 ~ /^[0-9]/) rank[$2] = $1 + 0
	next
}
{
	n = split($0, w, /[: ]+/); obj = w[1]; sym = w[n]
	sub(/^.*build[^\/]*\//, "", obj)
	if (w[n - 1] == "U") use[obj, sym] = 1
	else if (w[n - 1] ~ /^[TDBRVWC]$/ && !(sym in def && w[n - 1] ~ /^[VW]$/)) def[sym] = obj
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
END {
	for (us in use) {
		split(us, a, SUBSEP); o = a[1]; s = a[2]; d = def[s]
		if (d == "" || d == o || is_floor(s)) continue
		if (rk(o) < rk(d)) { print o " calls up to " d ": " s; bad++ }
		for (i = 1; i <= nw; i++)
			if ((index(o, wa[i]) == 1 && index(d, wb[i]) == 1) ||
			    (index(o, wb[i]) == 1 && index(d, wa[i]) == 1)) {
				print o " over the wall to " d ": " s; bad++
			}
	}
	exit bad > 0
}
