# ranks.awk: ranks that a README names, against kernel/layers.txt
#
#   awk -f ranks.awk kernel/layers.txt READMEs…
#
# "Rank 64" is that of the README's own room.  Rows "| 50 | `dev/`" and steps
# "  53  swap/" are those of rooms below it: of a room with rooms inside, from the
# lowest of them to the highest.  A README with such rows has one for each of its rooms.

FNR == NR {
	if ($1 ~ /^[0-9]+$/) rank[$2] = $1 + 0
	next
}
FNR == 1 { room = FILENAME; sub(/[^\/]*$/, "", room) }
function say(name, said, is) {
	print FILENAME ":" FNR ": " name " has rank " is ", not " said ": layers.txt"; bad++
}
# "53", or "51–68" of a room that has rooms of its own.
function range(p,   k, lo, hi) {
	for (k in rank) {
		if (index(k, p) != 1) continue
		if (lo == "" || rank[k] < lo) lo = rank[k]
		if (rank[k] > hi) hi = rank[k]
	}
	return lo == hi ? lo "" : lo "–" hi
}
{
	if (match($0, /^\| [0-9]+(–[0-9]+)? \| `[a-z0-9]+\/`/) || match($0, /^  [0-9]+ +[a-z0-9]+\//)) {
		n = split(substr($0, RSTART, RLENGTH), w, /[ |`]+/)
		said = ""; name = ""
		for (i = 1; i <= n; i++) {
			if (said == "" && w[i] ~ /^[0-9]/) said = w[i]
			else if (w[i] ~ /\/$/) name = w[i]
		}
		rows[room] = 1; seen[room name] = 1
		is = range(room name)
		if (is == "") is = rank[room] ""
		if (said != is && said != rank[room name] "") say(name, said, is)
	}
	if (room in rank && match($0, /(^|[^a-z])[Rr]ank [0-9]+/)) {
		said = substr($0, RSTART, RLENGTH); sub(/.*[^0-9]/, "", said)
		if ($0 ~ /\*\*Calls\.\*\*/ && said + 0 != rank[room]) say(room, said, rank[room])
	}
}
END {
	for (p in rank) {
		room = p; sub(/[^\/]*\/$/, "", room)
		if (room != p && room in rows && !(p in seen)) { print room "README.md: no row for " p ", rank " rank[p]; bad++ }
	}
	exit bad > 0
}
