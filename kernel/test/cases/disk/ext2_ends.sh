#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# How long a file of a disk, a directory on it and the disk itself can be.
. kernel/test/cases/lib.sh

prog=$BUILD/kernel/test/progs/files_end_where_disks_say
for bs in 1024 4096; do
	rm -f "$tmp/disk"
	truncate -s 4M "$tmp/disk"
	mke2fs -F -q -t ext2 -b $bs "$tmp/disk"
	expect 0 $guest --log "$tmp/log" --disk "$tmp/disk" --add "$prog:/p" -- \
		/bin/sh -c "mkdir /mnt && mount -t ext2 /dev/sda /mnt &&
			/p /mnt /dev/sda && umount /mnt"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done
finish
