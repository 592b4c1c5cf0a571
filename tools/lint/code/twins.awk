# twins.awk: names that two things have
#
#   awk -f twins.awk symbols kernel/kern/events.tab
#
# symbols: the answer of symbols.awk for the kernel.  No two functions of one
# room (a folder) have one name, static ones included; no two structs, unions
# or enums of the kernel have one tag; no two rows of events.tab one text.

BEGIN {
	todo[1] = "name each by what it does"
	todo[2] = "say in one sentence what this row alone counts"
}
FNR == 1 { part++ }
part == 1 && $1 == "fn" {
	room = $3; sub(/[^\/]*$/, "", room)
	twin(room SUBSEP $2, $3, $2 "(): one room, two functions of this name")
}
part == 1 && $1 == "tag" { twin("tag" SUBSEP $3, $4, $2 " " $3 ": two have this tag") }
part == 2 && !/^#/ && NF > 7 {
	text = $0
	for (i = 0; i < 7; i++) sub(/^[^ \t]+[ \t]+/, "", text)
	twin("text" SUBSEP text, FILENAME ":" FNR, $1 " and another row: one text")
}
function twin(key, at, msg) {
	if (key in first) { print at ": " msg " (" first[key] "); " todo[part]; bad++ }
	else first[key] = at
}
END { exit bad > 0 }
