#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# One copy of a file in memory: a block is read once, whoever maps the file;
# a file that is cached is read without the disk.  Of files that nobody uses few stay.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
reads() { sed -n 's/^io.reads //p' /proc/vm/events; }
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
/t/a05_file_cache /mnt/file || exit 2
# The writer of old pages may read the super block again: it has no work now.
cat /mnt/file >/dev/null
sync
before=$(reads)
cat /mnt/file >/dev/null || exit 3
[ "$(reads)" = "$before" ] || exit 4
/t/a16_private_maps /mnt || exit 5
/t/a17_table_first /mnt || exit 6
END

progs=$BUILD/kernel/test/progs
mkdir "$tmp/files"
head -c 16M /dev/urandom >"$tmp/files/file"
truncate -s 48M "$tmp/disk"
mke2fs -F -q -t ext2 -b 4096 -d "$tmp/files" "$tmp/disk"
for cpus in 1 4; do
	expect 0 $guest --cpus $cpus --log "$tmp/log" --disk "$tmp/disk" \
		--add "$progs/a05_file_cache:/t/" \
		--add "$progs/a16_private_maps:/t/" \
		--add "$progs/a17_table_first:/t/" \
		--add "$tmp/script:/script" -- /bin/sh /script
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done
for cpus in 1 4; do
	rm -f "$tmp/disk"
	truncate -s 48M "$tmp/disk"
	mke2fs -F -q -t ext2 -b 1024 -N 8000 "$tmp/disk"
	expect 0 $guest --cpus $cpus --memory 64M --append locks=1 --log "$tmp/log" \
		--disk "$tmp/disk" --add "$progs/files_leave_memory_whole:/t/" -- \
		/bin/sh -c 'mkdir /mnt && mount -t ext2 /dev/sda /mnt &&
			/t/files_leave_memory_whole /mnt && umount /mnt'
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done
finish
