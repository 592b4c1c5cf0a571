# plan.awk: files that the plan of their room does not name
#
#   awk -v FILES="$(find kernel -type f)" -f plan.awk READMEs…
#
# A room is a folder of the kernel with .c files.  Its README.md names every
# source, header and table that lies in it; a name with a star, of two letters
# at least, stands for many (lab_*.c).  Test programs have no plan: the name of
# each is the rule that it checks.  The folders of test/boot/ are of one plan.  LATER is a folder whose plan is still written.

BEGIN {
	n = split(FILES, f, /[ \n]+/)
	for (i = 1; i <= n; i++) {
		room = f[i]; sub(/[^\/]*$/, "", room)
		sub(/^kernel\/test\/boot\/.*/, "kernel/test/boot/", room)
		if (LATER != "" && index(room, LATER) == 1) continue
		if (room ~ /^kernel\/(test\/(progs|host|errors|models)|user)\//) continue
		if (f[i] ~ /\.c$/) rooms[room] = 1
		if (f[i] ~ /\.([chS]|tab|awk)$/) files[f[i]] = room
		if (f[i] ~ /\/README\.md$/) plan[room] = 1
	}
}
FNR == 1 { room = FILENAME; sub(/[^\/]*$/, "", room) }
{
	s = $0
	while (match(s, /[a-z_0-9*][a-z_0-9*-]*\.([chS]|tab|awk)/)) {
		w = substr(s, RSTART, RLENGTH)
		# a file of another room, pte/fault.c, is not one of this
		if (substr(s, RSTART - 1, 1) != "/") {
			if (w !~ /\*/) named[room, w] = 1
			else if (w ~ /^[a-z_0-9][a-z_0-9]+/) {
				gsub(/\./, "\\.", w); gsub(/\*/, "[a-z_0-9]*", w)
				star[room] = star[room] (star[room] == "" ? "" : "|") "^" w "$"
			}
		}
		s = substr(s, RSTART + RLENGTH)
	}
}
END {
	for (room in rooms)
		if (!(room in plan)) { print room "README.md: missing: what the room is for, its picture, each file in one line, whom it may call"; bad++ }
	for (p in files) {
		room = files[p]
		if (!(room in rooms) || !(room in plan)) continue
		w = p; sub(/.*\//, "", w)
		if ((room, w) in named || (room in star && w ~ star[room])) continue
		print room "README.md: the plan does not name " w ": give it a line"; bad++
	}
	exit bad > 0
}
