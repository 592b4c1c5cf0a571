#!/bin/sh
# NEEDS: TIMEOUT=150
# The same kernel, the same answers in Bochs, with one and two processors.
. kernel/test/cases/lib.sh

for n in 1 2; do
	out=$($guest --emulator bochs --cpus $n -- \
		/bin/busybox sh -c 'echo $((6*7)); exit 3' 2>"$tmp/err")
	same 3 $? "status with $n"
	same 42 "$out" "output with $n"
	[ ! -s "$tmp/err" ] || fail "standard error with $n: $(cat "$tmp/err")"
done
out=$($guest --emulator bochs --cpus 1 --memory 24M -- sh -c 'ps | wc -l')
[ "$out" -gt 1 ] || fail "ps in 24M says '$out'"
finish
