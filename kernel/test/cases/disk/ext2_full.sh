#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Full disks: who makes something is told so, nothing hangs, nothing is lost.
. kernel/test/cases/lib.sh

for bs in 1024 4096; do
	mke2fs -F -q -t ext2 -m 0 -N 64 -b $bs "$tmp/$bs" $((bs / 1024 * 240))K ||
		fail "mke2fs"
done
expect 0 $guest --cpus 2 --log "$tmp/log" --disk "$tmp/1024" \
	--disk "$tmp/4096" \
	--add "$BUILD/kernel/test/progs/full_disks_say_so:/t/" -- /bin/sh -c '
	/t/full_disks_say_so /dev/sda ext2 && /t/full_disks_say_so /dev/sdb ext2'
for bs in 1024 4096; do
	expect 0 e2fsck -fn "$tmp/$bs" >"$tmp/fsck" 2>&1
done
finish
