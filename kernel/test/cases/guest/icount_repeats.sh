#!/bin/sh
# NEEDS: TIMEOUT=60 TURN=3 KIND=exact
# tools/guest --icount is the same each run: addresses, random bytes, time,
# counters, what the kernel logs; with a new --swap and with --root disk, too, and
# beside a load.
. kernel/test/cases/lib.sh

run() {
	expect 0 $guest --icount --cpus 1 --memory 32M --swap 64M --log "$tmp/log$1" -- sh -c '
		dd if=/dev/zero of=/dev/null bs=30M count=1 2>/dev/null
		sleep 0.3
		od -An -tx8 -N64 /dev/urandom
		cat /proc/self/maps /proc/uptime /proc/vm/events /proc/swaps' >"$tmp/out$1"
}
# The kernel writes the root by itself, too: its last write is behind the sleep.
on_disk() {
	expect 0 $guest --icount --cpus 1 --memory 32M --root disk --log "$tmp/log$1" -- sh -c '
		busybox sha256sum /bin/busybox
		dd if=/dev/urandom of=/root/new bs=64k count=50 2>/dev/null
		sleep 7
		cat /proc/mounts /proc/uptime /proc/vm/events /proc/diskstats' >"$tmp/out$1"
}
run 1
on_disk 3
sh -c 'while :; do :; done' &
load=$!
run 2
on_disk 4
kill $load
for i in 1 3; do
	j=$((i + 1))
	cmp "$tmp/out$i" "$tmp/out$j" ||
		fail "two runs differ: $(diff "$tmp/out$i" "$tmp/out$j" | head -n 5)"
	cmp "$tmp/log$i" "$tmp/log$j" || fail "two logs differ"
done
grep -q '^/dev/ramb / ext2' "$tmp/out3" || fail "the root is no disk: $(cat "$tmp/out3")"
[ "$(sed -n 's/^io.writes //p' "$tmp/out3")" -gt 10 ] || fail "it wrote nothing"
[ "$(sed -n 's/^swap.out_pages //p' "$tmp/out1")" -gt 100 ] || fail "it did not swap"
finish
