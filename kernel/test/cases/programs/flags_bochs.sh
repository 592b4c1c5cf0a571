#!/bin/sh
# NEEDS: TIMEOUT=150 TURN=3 KIND=bounded
# BOUNDED: Bochs runs beside the clock of the host
# Single steps in Bochs, which traps once more at the first instruction behind
# syscall, on two processors; and an access that is not aligned, where the program
# has asked for a trap.
. kernel/test/cases/lib.sh

out=$($guest --emulator bochs --cpus 2 --memory 64M \
	--add "$BUILD/kernel/test/progs/flags_outlive_calls_and_signals:/flags" \
	--add "$BUILD/kernel/test/progs/alignment_is_checked_when_asked:/align" \
	-- sh -c '/flags || echo "flags: $?"; /align checked || echo "alignment: $?"' \
	2>"$tmp/err")
same 0 $? "status: $out $(head -3 "$tmp/err")"
same "" "$out" "what they say"
finish
