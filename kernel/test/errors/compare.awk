# compare.awk: *.rows exceptions ANSWERS → what differs, for people; status 1
#
# what: linux, where no exception holds, or vadose.
function row(line) { sub(/ = .*/, "", line); sub(/[ \t]+$/, "", line); return line }
function answer(line) { return index(line, " = ") ? substr(line, index(line, " = ") + 3) : "" }
function say(text) { print text; bad++ }

FNR == 1 { file++ }
/^[ \t]*$/ { reason = 0; next }
/^#/ { reason = 1; next }
FILENAME ~ /[.]rows$/ {
	if (row($0) in want) say(FILENAME ":" FNR ": twice: " row($0))
	if (answer($0) == "") say(FILENAME ":" FNR ": no answer recorded (make check-linux RECORD=1): " row($0))
	want[row($0)] = answer($0)
	next
}
FILENAME ~ /exceptions$/ {
	if (!reason) say(FILENAME ":" FNR ": no reason above: " $0)
	if (!(row($0) in want)) say(FILENAME ":" FNR ": no such row: " row($0))
	except[row($0)] = answer($0)
	next
}
{
	r = row($0); a = answer($0); seen[r] = 1; rows++
	if (!(r in want)) say("no such row: " r)
	else if (what == "vadose" && r in except) {
		if (a == want[r]) say("exception is no longer needed: " r " = " a)
		else if (a != except[r]) say(r ": " a ", expected by exceptions " except[r] ", Linux " want[r])
	} else if (want[r] != "" && a != want[r]) say(r ": " a ", expected " want[r])
}
END {
	for (r in want) if (!(r in seen)) say("not answered: " r)
	print rows " rows, " bad + 0 " differ" > "/dev/stderr"
	exit bad > 0
}
