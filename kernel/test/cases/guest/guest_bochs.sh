#!/bin/sh
# NEEDS: TIMEOUT=150 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: Bochs runs beside the clock of the host
# The same kernel, the same answers in Bochs, with one and two processors.
. kernel/test/cases/lib.sh

counts='1 2'
in_full || counts=2
for n in $counts; do
	out=$($guest --emulator bochs --cpus $n -- \
		/bin/busybox sh -c 'echo $((6*7)); exit 3' 2>"$tmp/err")
	same 3 $? "status with $n"
	same 42 "$out" "output with $n"
	[ ! -s "$tmp/err" ] || fail "standard error with $n: $(cat "$tmp/err")"
done
in_full || finish
out=$($guest --emulator bochs --cpus 1 --memory 24M -- sh -c 'ps | wc -l')
[ "$out" -gt 1 ] || fail "ps in 24M says '$out'"
finish
