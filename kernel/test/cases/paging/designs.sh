#!/bin/sh
# NEEDS: TIMEOUT=900 SHORT=1 TURN=6,2 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Every design gives Linux's transcripts with pressure (t_programs.sh), and without,
# each for a fourth of the programs, by their names, and stands everything at once
# (soak.sh); what is unknown is refused with the names that there are.  In make check:
# a twelfth of the programs, no soak; make nightly has all of it, and longer.
. kernel/test/cases/lib.sh

PART=0
for DESIGN in eager uvm scalux shadow frames; do
	export DESIGN
	if in_full; then
		expect 0 sh kernel/test/cases/paging/t_programs.sh 48M
		expect 0 env PART=$((PART % 4)) PARTS=4 sh kernel/test/cases/paging/t_programs.sh 256M
		expect 0 env SOAK_SECONDS=20 sh kernel/test/cases/paging/soak.sh 2
	else
		expect 0 env PART=$PART PARTS=12 sh kernel/test/cases/paging/t_programs.sh 48M
	fi
	PART=$((PART + 1))
done
# What was promised can be touched, whatever a user makes the kernel keep: under
# uvm, too, whose records stay in memory.  (Under fmo: their own NEEDS.)
under_uvm() {
	program=$1
	shift
	expect 0 $guest --design uvm "$@" --log "$tmp/log" --add \
		"$BUILD/kernel/test/progs/$program:/t/$program" -- "/t/$program" $word
}
word=
under_uvm charged_memory_can_be_touched --memory 48M --cpus 2
under_uvm tables_are_read_for_calls --memory 32M --swap 256M --cpus 1
under_uvm untouchable_leaves_no_tables --memory 64M --cpus 1
if in_full; then
	word=short
	under_uvm one_user_leaves_root_room --memory 48M --cpus 2
fi
$guest --design other -- /bin/true >"$tmp/out" 2>&1
same 126 $? "status of --design other"
grep -q 'fmo, uvm, scalux, shadow, frames or eager' "$tmp/out" || fail "--design: $(cat "$tmp/out")"
$guest --append vmm=other -- /bin/true >"$tmp/out" 2>&1
grep -q 'no such design, but fmo uvm scalux shadow frames eager' "$tmp/out" ||
	fail "vmm=other: $(cat "$tmp/out")"
finish
