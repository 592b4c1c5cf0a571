#!/bin/sh
# NEEDS: TIMEOUT=400 SHORT=1 TURN=3 SUBJECT=grader KIND=bounded
# BOUNDED: debuggers stop machines beside the clock of the host
# What a failed test prints as "again" stops at the event that made it fail:
# under gdb and in Bochs, for a count, a too small one, a panic, and an exit.
. kernel/test/cases/lib.sh
built grader build/tools/bstep

grade=build/grading/grade
# planted LAB MUTANT: a submission with the bug.
planted() {
	file=kernel/$(awk '$1 == "file" { print $2 }' "labs/$1/lab.conf")
	cp "$file" "$tmp/$1.c" && patch -s -F 0 "$tmp/$1.c" <"grading/mutants/$1/$2.patch" || fail "$1/$2 does not apply"
}

# stops WITH LAB TEST PATTERN…: all of them are seen.
stops() {
	with=$1 lab=$2 t=$3
	shift 3
	expect 0 $grade "$with" "$lab" "$t" --submission "$tmp/$lab.c" --seed 7 >"$tmp/out" 2>&1 </dev/null
	for p; do
		grep -q -e "$p" "$tmp/out" || fail "$with $lab $t: '$p' is not in: $(tail -n 20 "$tmp/out")"
	done
}

# Each upgrade copies a page: the first copy is the first that is too many.
planted 02-fault m8
stops gdb 02-fault t09 'got page.copy == ' 'number 1, the first that is too many' \
	'^Hardware watchpoint .*' '^#0  page_copy' '^#1 .* f_upgrade'
stops bochs 02-fault t09 'number 1, the first that is too many' '^  page_copy+' '^  f_upgrade+'
# A read breaks the fork: too few are mapped, so where to look is shown.
planted 05-fork m7
stops gdb 05-fork t06 'f8_fork_map in the work that is tested' '^#0  f8_fork_map'

in_full || finish
# fork copies all: no store of the child breaks one, for it came before the region.
planted 05-fork m1
stops gdb 05-fork t09 ', before region "both" begins, or its end: in it nothing of .* runs' '^#0  fork_'

# Starters: a claim, a panic, an exit.
for lab in 00-tour 02-fault 05-fork; do
	cp "labs/$lab/$(basename "$(awk '$1 == "file" { print $2 }' "labs/$lab/lab.conf")")" "$tmp/$lab.c"
done
stops gdb 00-tour t01 'first claim of the kernel test' '^#0  selftest_fail'
[ -n "$LONG" ] || finish
stops gdb 02-fault t04 'Stopping at: the panic' '^#0  panic ('
stops gdb 05-fork t08 'ends with another status' '^#0  sys_exit_group'
stops bochs 05-fork t08 'ends with another status' '^  sys_exit_group$'
finish
