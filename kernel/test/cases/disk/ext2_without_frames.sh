#!/bin/sh
# NEEDS: TIMEOUT=120 KIND=bounded
# BOUNDED: its machine has a disk of the host
# A store to a hole of a file waits where the file system has no frame for its own.
. kernel/test/cases/lib.sh

truncate -s 16M "$tmp/disk"
mke2fs -F -q -t ext2 -b 1024 "$tmp/disk"
expect 0 $guest --memory 48M --swap 256M --log "$tmp/log" --disk "$tmp/disk" \
	--add "$BUILD/kernel/test/progs/calls_wait_for_frames:/p" -- \
	/bin/sh -c "mkdir /mnt && mount -t ext2 /dev/sda /mnt && /p /mnt && umount /mnt"
expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
finish
