#!/bin/sh
# NEEDS: TIMEOUT=150
# Single steps in Bochs, which traps once more at the first instruction behind
# syscall, with one and two processors.
. kernel/test/cases/lib.sh

prog=$BUILD/kernel/test/progs/flags_outlive_calls_and_signals
for n in 1 2; do
	out=$($guest --emulator bochs --cpus $n --add $prog:/flags -- /flags \
		2>"$tmp/err")
	same 0 $? "status with $n: $out $(head -3 "$tmp/err")"
done
finish
