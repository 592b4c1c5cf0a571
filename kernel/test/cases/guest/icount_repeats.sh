#!/bin/sh
# NEEDS: TIMEOUT=60 TURN=3 KIND=exact
# tools/guest --icount is the same each run: addresses, random bytes, time,
# counters, what the kernel logs; with a new --swap, too, and beside a load.
. kernel/test/cases/lib.sh

run() {
	expect 0 $guest --icount --cpus 1 --memory 32M --swap 64M --log "$tmp/log$1" -- sh -c '
		dd if=/dev/zero of=/dev/null bs=30M count=1 2>/dev/null
		sleep 0.3
		od -An -tx8 -N64 /dev/urandom
		cat /proc/self/maps /proc/uptime /proc/vm/events /proc/swaps' >"$tmp/out$1"
}
run 1
sh -c 'while :; do :; done' &
load=$!
run 2
kill $load
cmp "$tmp/out1" "$tmp/out2" || fail "two runs differ: $(diff "$tmp/out1" "$tmp/out2" | head -n 5)"
cmp "$tmp/log1" "$tmp/log2" || fail "two logs differ"
[ "$(sed -n 's/^swap.out_pages //p' "$tmp/out1")" -gt 100 ] || fail "it did not swap"
finish
