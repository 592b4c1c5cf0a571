#!/bin/sh
# NEEDS: TIMEOUT=240 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# What guards the kernel from itself traps, in QEMU and in Bochs, and the panic
# says which guard it was; in make check in Bochs one guard.
. kernel/test/cases/lib.sh

# guard TEST WORDS…: the self-test ends in a panic with these words.
guard() {
	t=$1
	shift
	expect 125 $guest --emulator $emulator --cpus 1 --append selftest="$t" \
		--append locks=1 -- true 2>"$tmp/err"
	grep 'PANIC:' "$tmp/err" | grep -q -i "$*" ||
		fail "$emulator: $t: no '$*' in: $(cat "$tmp/err")"
}

for emulator in qemu bochs; do
	guard trap_smep 'SMEP'
	in_full || [ $emulator = qemu ] || continue
	guard trap_smap 'SMAP'
	guard trap_nx 'NX\|no-execute\|execut'
	guard trap_wx 'write\|read-only'
	guard trap_guard 'stack'
	guard trap_assert 'machine.c:[0-9]*: not true: md_ncpus() == 0'
	guard trap_assert_irq 'machine.c:[0-9]*: not true: !md_in_irq()'
	guard trap_kpaged 'not pinned, under a lock of rank 6'
	# A program: NX data, and UMIP refuses SGDT.
	expect 0 $guest --emulator $emulator --cpus 1 \
		--add "$BUILD/kernel/test/progs/umip_refuses_sgdt:/t/umip" -- /t/umip here
done
finish
