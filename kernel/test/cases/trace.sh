#!/bin/sh
# NEEDS: TIMEOUT=120
# The whole trace of a run reaches the host, in QEMU by shared memory.
. kernel/test/cases/lib.sh

vtr=build/tools/vtr
traced() {
	out=$1
	shift
	expect 0 $guest --trace "$out" "$@" >"$tmp/out" 2>"$tmp/err"
	[ ! -s "$tmp/err" ] || fail "standard error: $(cat "$tmp/err")"
}
count() {
	$vtr count -e "$2" "$1" | cut -d' ' -f2
}

for n in 1 2; do
	traced "$tmp/t$n" --cpus $n -- sh -c 'echo $((6*7)) | cat'
	same 42 "$(cat "$tmp/out")" "output with $n"
	[ "$(count "$tmp/t$n" page.state)" -gt 1000 ] || fail "few events with $n"
	[ "$(count "$tmp/t$n" fork.end)" -gt 1 ] || fail "no fork with $n"
	expect 0 $vtr dump "$tmp/t$n" >"$tmp/dump" 2>"$tmp/err"
	[ ! -s "$tmp/err" ] || fail "vtr says: $(cat "$tmp/err")"
	same 1 "$(sed -n '1s/ .*//p' "$tmp/dump")" "first record with $n"
done
finish
