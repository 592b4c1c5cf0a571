#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Calls on files of a disk answer as on files in memory: 100 seeds on blocks of 1024
# and of 4096 bytes, in make check 40 on the former.
. kernel/test/cases/lib.sh

seeds=40 blocks=1024
if in_full; then
	seeds=100 blocks='1024 4096'
fi
cat >"$tmp/script" <<END
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
/t/calls_in_other_ways $seeds /mnt || exit 2
umount /mnt || exit 3
END
for block in $blocks; do
	rm -f "$tmp/disk"
	truncate -s 8M "$tmp/disk"
	mke2fs -F -q -t ext2 -b "$block" "$tmp/disk"
	expect 0 $guest --cpus 1 --memory 64M --log "$tmp/log" --disk "$tmp/disk" \
		--add "$BUILD/kernel/test/progs/calls_in_other_ways:/t/" \
		--add "$tmp/script:/script" -- /bin/sh /script
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done
finish
