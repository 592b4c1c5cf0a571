#!/bin/sh
# NEEDS: TIMEOUT=150 KIND=bounded
# BOUNDED: Bochs runs beside the clock of the host
# Single steps in Bochs, which traps once more at the first instruction behind
# syscall, on two processors.
. kernel/test/cases/lib.sh

prog=$BUILD/kernel/test/progs/flags_outlive_calls_and_signals
out=$($guest --emulator bochs --cpus 2 --add "$prog:/flags" -- /flags \
	2>"$tmp/err")
same 0 $? "status: $out $(head -3 "$tmp/err")"
finish
