#!/bin/sh
# NEEDS: TIMEOUT=150 KIND=bounded
# BOUNDED: Bochs runs beside the clock of the host
# Single steps in Bochs, which traps once more at the first instruction behind
# syscall, on two processors; and an access that is not aligned, where the program
# has asked for a trap.
. kernel/test/cases/lib.sh

prog=$BUILD/kernel/test/progs/flags_outlive_calls_and_signals
out=$($guest --emulator bochs --cpus 2 --add "$prog:/flags" -- /flags \
	2>"$tmp/err")
same 0 $? "status: $out $(head -3 "$tmp/err")"
prog=$BUILD/kernel/test/progs/alignment_is_checked_when_asked
out=$($guest --emulator bochs --cpus 2 --add "$prog:/align" -- /align checked \
	2>"$tmp/err")
same 0 $? "alignment: $out $(head -3 "$tmp/err")"
finish
