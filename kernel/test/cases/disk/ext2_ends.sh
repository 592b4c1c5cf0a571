#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# How long a file of a disk, a directory on it and the disk itself can be, and how many
# links there are at most.
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

# The counts say what nobody has the time to make.
say() { debugfs -w -f - "$tmp/disk" >"$tmp/debugfs" 2>&1; }
rm -f "$tmp/disk"
truncate -s 4M "$tmp/disk"
mke2fs -F -q -t ext2 -b 1024 -I 128 "$tmp/disk" 2>/dev/null
say <<END
mkdir full
mkdir full/old
write $tmp/fsck many
mknod null c 1 3
set_inode_field full links_count 32000
set_inode_field many links_count 32000
END
expect 0 $guest --log "$tmp/log" --disk "$tmp/disk" --add "$prog:/p" -- \
	/bin/sh -c "mkdir /mnt && mount -t ext2 /dev/sda /mnt &&
		/p /mnt /dev/sda links && umount /mnt"
say <<END
set_inode_field full links_count 3
set_inode_field many links_count 1
END
expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
finish
