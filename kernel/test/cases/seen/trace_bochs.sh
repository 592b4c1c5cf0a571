#!/bin/sh
# NEEDS: TIMEOUT=400 TURN=3 KIND=bounded
# BOUNDED: Bochs runs beside the clock of the host
# In Bochs the trace comes by the debug port, between what Bochs says itself.
. kernel/test/cases/lib.sh

vtr=build/tools/vtr
out=$($GUEST --kernel $BUILD/vadose.elf --timeout 900 --emulator bochs --cpus 1 --memory 64M \
	--trace "$tmp/t" -- sh -c 'echo $((6*7)); exit 3' 2>"$tmp/err")
same 3 $? status
same 42 "$out" output
[ ! -s "$tmp/err" ] || fail "standard error: $(cat "$tmp/err")"
$vtr dump "$tmp/t" >"$tmp/dump" 2>"$tmp/err"
[ ! -s "$tmp/err" ] || fail "vtr says: $(cat "$tmp/err")"
same 1 "$(sed -n '1s/ .*//p' "$tmp/dump")" "first record"
[ "$(wc -l <"$tmp/dump")" -gt 2000 ] || fail "few events"
same "" "$($vtr check "$tmp/t")" check
finish
