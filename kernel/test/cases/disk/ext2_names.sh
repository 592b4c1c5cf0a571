#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Names on a disk: what is gone stays gone, whoever still holds a part of it.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
/t/names_of_the_dead_stay_gone /mnt || exit 2
/t/names_change_places /mnt || exit 4
/t/listing_ends_while_names_change /mnt || exit 5
umount /mnt || exit 3
END
truncate -s 8M "$tmp/disk"
mke2fs -F -q -t ext2 -b 1024 "$tmp/disk"
for cpus in 1 4; do
	expect 0 $guest --cpus $cpus --log "$tmp/log" --disk "$tmp/disk" \
		--add "$BUILD/kernel/test/progs/names_of_the_dead_stay_gone:/t/" \
		--add "$BUILD/kernel/test/progs/names_change_places:/t/" \
		--add "$BUILD/kernel/test/progs/listing_ends_while_names_change:/t/" \
		--add "$tmp/script:/script" -- /bin/sh /script
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done
finish
