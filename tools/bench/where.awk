# where.awk: rows of where.tab from what profile.awk has printed
#
# -v op=NAME -v when=now
# Output    when op kind function file instructions: the ten dearest functions that are
#           a hundredth of it at least, and of each kind what is left, as "rest"

/ \(.*\)$/ || /  the program$/ {
	n = $1 + 0
	where = $NF
	gsub(/[()]/, "", where)
	name = $3
	k = kind(name, where)
	if (where == "program")
		name = where = "-"
	if (listed < 10 && $2 + 0 >= 1) {
		listed++
		row(k, name, where, n)
	} else {
		rest[k] += n
	}
}
END {
	if (NR == 0 || listed == 0) {
		print "bench: no profile of " op | "cat >&2"
		exit 1
	}
	m = split("program bytes evidence locks machine memory vm design files process", order, " ")
	for (i = 1; i <= m; i++)
		if (rest[order[i]] >= 0.05)
			row(order[i], "rest", "-", rest[order[i]])
}

function row(k, name, where, n) {
	printf "%-5s %-15s %-9s %-24s %-24s %12.1f\n", when, op, k, name, where, n
}

# What a function is there for, by its name and its file.
function kind(name, where) {
	if (where == "program")
		return "program"
	if (name ~ /^(memset|memcpy|memmove|memcmp|md_copy_user|copy_user|page_zero|page_copy)$/ || where ~ /usercopy/)
		return "bytes"
	if (where ~ /^kern\/(events|trace|inject|lockrank|lockstat)\.c|^vm\/evidence\// || name == "spin_is_mine")
		return "evidence"
	if (where ~ /^lib\/spin|^kern\/(mutex|rwlock)\.c/)
		return "locks"
	if (where ~ /^(amd64|boot)\//)
		return "machine"
	if (where ~ /^(mem|vm\/frame)\//)
		return "memory"
	if (where ~ /^vm\/design\//)
		return "design"
	if (where ~ /^(vm|lib)\//)
		return "vm"
	if (where ~ /^(fs|dev)\//)
		return "files"
	return "process"
}
