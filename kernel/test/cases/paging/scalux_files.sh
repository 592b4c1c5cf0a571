#!/bin/sh
# NEEDS: TIMEOUT=180 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Design scalux and a file on a disk: its anons are put back, its frames are taken,
# and its pager reads the page again (with a file in memory: the program alone).
. kernel/test/cases/lib.sh

mkdir "$tmp/files"
echo words >"$tmp/files/words"
truncate -s 8M "$tmp/disk"
mke2fs -F -q -t ext2 -b 4096 -d "$tmp/files" "$tmp/disk"
cat >"$tmp/script" <<'END'
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
/t/c01_pages_have_queues_of_anons && umount /mnt
END
expect 0 $guest --memory 64M \
	--swap 64M --disk "$tmp/disk" --log "$tmp/log" \
	--add "$BUILD/kernel/test/progs/c01_pages_have_queues_of_anons:/t/" \
	--add "$tmp/script:/script" -- /bin/sh /script
finish
