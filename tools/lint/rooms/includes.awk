# includes.awk: includes and externs of kernel sources
#
#   awk -f includes.awk kernel/layers.txt kernel/*/*.[ch] …
#
# No "../", no host header, no include of a room above (the rooms of vm/ among
# themselves, too), no other room's *dat.h or *fn.h, of vm/ only vm.h and objects.h, no extern
# in a .c file.  kern/kern.h declares the floor
# functions too, so everybody may include it: layers.awk checks the calls.

FNR == NR && FILENAME ~ /layers\.txt$/ {
	if ($1 ~ /^[0-9]/) rank[$2] = $1 + 0
	if ($1 == "shared") shared[$2, $3] = 1
	next
}
FNR == 1 { room = FILENAME; sub(/^kernel\//, "", room); room = room ~ /\// ? room : "main/"; sub(/\/.*/, "", room) }

/^[ \t]*#[ \t]*include[ \t]*</ {
	if ($0 !~ /<(stdarg|stdbool|stddef|stdint)\.h>/)
		say("includes a host header: " $0)
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, q, "\""); inc = q[2]
	if (inc ~ /\.\.\//) say("includes by ../: " inc)
	other = inc; if (!sub(/\/.*/, "", other)) other = ""
	if (other == "" || (other == room && room != "vm") || inc ~ /^vm\/(vm|objects)\.h$/) next
	if (room == "test" || room == "main") next
	if (room == "vm" && other == "vm" && rk(FILENAME) < rk("kernel/" inc)) say("includes upward: " inc)
	if (other == room) next
	if ((inc ~ /(dat|fn)\.h$/ || other == "vm") && !(("kernel/" inc, "kernel/" room "/") in shared)) say("includes a private header: " inc)
	if (FILENAME ~ /\.S$/ || other == "lib" || inc == "kern/kern.h") next
	if (rk(FILENAME) < rk("kernel/" inc)) say("includes upward: " inc)
}
FILENAME ~ /\.c$/ && /^[ \t]*extern[ \t]/ { say("extern in a .c file") }

function rk(p,   k, best, len) {
	len = 0
	for (k in rank)
		if (index(p, k) == 1 && length(k) > len) { best = rank[k]; len = length(k) }
	return best
}
function say(msg) { print FILENAME ":" FNR ": " msg; bad++ }
END { exit bad > 0 }
