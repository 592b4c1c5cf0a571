# dead.awk: functions that nobody calls, counters that nobody counts
#
#   awk -f dead.awk symbols kernel/sys/syscalls.tab kernel/kern/events.tab exceptions
#
# symbols: the answer of symbols.awk for kernel, labs, grading and tools.  Asked
# for are functions of the kernel that are not static; the compiler knows the
# others.  A test is a caller.  exceptions: rows "dead NAME reason".

FNR == 1 { part++ }
part == 1 && $1 == "fn" && $4 == "global" && $3 ~ /^kernel\// && $3 !~ /^kernel\/(test|user)\// { at[$2] = $3 }
# a static function of the same name takes the calls of its file
part == 1 && $1 == "fn" && $4 == "static" { f = $3; sub(/:.*/, "", f); own[f, $2] = 1 }
part == 1 && $1 == "call" && !(($3, $2) in own) { called[$2] = 1 }
part == 1 && $1 == "use" { used[$2] = 1 }
part == 2 && /^[0-9]/ { called["sys_" $2] = 1 }
part == 3 && !/^#/ && NF > 7 { row[$1] = FILENAME ":" FNR }
part == 4 && $1 == "dead" { called[$2] = 1; counted[$2] = 1 }
END {
	for (f in at)
		if (!(f in called)) { print at[f] ": nobody calls " f "(): remove it, or give tools/lint/exceptions.txt a reason"; bad++ }
	for (r in row) {
		id = r; gsub(/\./, "_", id)
		if (!((id in used) || (("EV_" id) in used) || (r in counted))) { print row[r] ": nobody counts " r ": remove the row"; bad++ }
	}
	exit bad > 0
}
