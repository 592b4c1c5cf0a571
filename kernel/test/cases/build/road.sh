#!/bin/sh
# NEEDS: TIMEOUT=120 SHORT=1 TURN=3 KIND=exact
# make road: the way of an operation begins and ends where it must, passes what it
# must, is in no interrupt, and is the same each time, daemons and all.
. kernel/test/cases/lib.sh
built build/tools/guest road-tools

# road OP OUT
road() {
	build/road/road --kernel "$BUILD/vadose.elf" --out "$tmp" "$1" >"$tmp/$2" 2>"$tmp/err" ||
		fail "$1: $(cat "$tmp/err")"
}

# Its functions in order: number, name, file.
functions() {
	awk '/^functions +entered/ { exit }
		/^[ 0-9][ 0-9][ 0-9][0-9] / { print $1, $5, $4 }' "$tmp/$1" | sort -n
}

# way OP FIRST LAST-FILE THROUGH…
way() {
	op=$1 first=$2 last=$3
	shift 3
	functions "$op" >"$tmp/functions"
	same "1 $first" "$(sed -n 1p "$tmp/functions")" "first function of $op"
	same "$last" "$(awk 'END { print $3 }' "$tmp/functions")" "file of the last function of $op"
	for f; do
		awk -v f="$f" '$2 == f { n++ } END { exit n != 1 }' "$tmp/functions" ||
			fail "$op does not pass $f once: $(cat "$tmp/functions")"
	done
	n=$(awk 'END { print NR }' "$tmp/functions")
	grep -q "^road: *$n functions, " "$tmp/$op" || fail "$op: $n functions: $(tail -n 5 "$tmp/$op")"
	grep -q "<circle class=\"new\".*<title>1 ${first%% *} " "$tmp/$op.svg" || fail "$op: no picture"
}

road zero-fill zero-fill
way zero-fill 'trap_stubs amd64/entry.S' proc/usertrap.c user_exception on_fault vm_user_fault vm_fault
# The tree: what trap() calls last stands where stood what it called first.
column() { awk -v f="$1" '$5 == f { print index($0, " " f); exit }' "$tmp/zero-fill"; }
same "$(column user_exception)" "$(column trap_user_exit)" "depth of trap_user_exit"
same $(($(column vm_user_fault) + 2)) "$(column vm_fault)" "depth of vm_fault"
road munmap munmap
way munmap 'syscall_entry amd64/entry.S' amd64/trap.c trap_syscall dispatch sys_munmap
grep -q 'of them [1-9][0-9]* in kernel/vm' "$tmp/munmap" || fail "munmap: $(tail -n 5 "$tmp/munmap")"

# What the parent copies when it runs again is not fork's.
road fork fork
way fork 'syscall_entry amd64/entry.S' amd64/trap.c sys_clone as_dup
functions fork | awk '$2 == "vm_user_fault" { exit 1 }' || fail "fork: a fault of the parent counts, too"

# Three threads of the kernel take part, and the program, beside what it does anyway.
road page-out page-out
for thread in 'the program' bal_main writer_main; do
	grep -q "^ *$thread\$" "$tmp/page-out" || fail "page-out: no $thread"
done
grep -q '^left out: [1-9][0-9]* interrupts, ' "$tmp/page-out" || fail "page-out: no interrupt was left out"
functions page-out | awk '$2 == "vm_fault" { exit 1 }' || fail "page-out: a fault counts, too"

again() {
	road "$1" again
	cmp -s "$tmp/$1" "$tmp/again" || fail "$1 differs: $(diff "$tmp/$1" "$tmp/again" | head -n 5)"
}
again fork

# What it says when it cannot.
expect 2 build/road/road fly >"$tmp/out" 2>&1
grep -q 'no operation fly' "$tmp/out" && grep -q '^  zero-fill ' "$tmp/out" || fail "fly: $(cat "$tmp/out")"
expect 1 build/road/road --kernel "$tmp/none" fork >"$tmp/out" 2>&1
grep -q 'make image' "$tmp/out" || fail "no kernel: $(cat "$tmp/out")"
expect 0 build/road/road --help >"$tmp/out"
grep -q '^road ' "$tmp/out" || fail "--help: $(cat "$tmp/out")"

in_full || finish
again page-out
finish
