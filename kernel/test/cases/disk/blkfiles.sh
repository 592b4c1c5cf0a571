#!/bin/sh
# NEEDS: TIMEOUT=240 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Disks as files: mke2fs in the guest, mount by name, busy while mounted; what
# the node of a mounted disk shows, and that it is what the disk has.  In make
# check with blocks of 4 KiB.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
grep -q ' sda$' /proc/partitions || exit 1
[ "$(stat -c %F:%t:%T:%a /dev/sda)" = 'block special file:8:0:660' ] || exit 2
[ "$(blockdev --getsize64 /dev/sda)" = 16777216 ] || exit 3
[ "$(blockdev --getss /dev/sda)" = 512 ] || exit 4
cmp -n 3000000 /dev/sda /data || exit 5
dd if=/dev/sda bs=1 skip=12345 count=700 2>/dev/null |
	cmp - /part || exit 6
mke2fs /dev/sda >/dev/null || exit 7
mount -t ext2 /dev/sda /mnt || exit 8
grep -q '^/dev/sda /mnt ext2 rw' /proc/mounts || exit 9
dd if=/dev/zero of=/dev/sda count=1 2>/dev/null && exit 10
cp /bin/busybox /mnt/busybox && sync || exit 11
# What is on the disk is seen through the node, too: the magic number.
[ "$(dd if=/dev/sda bs=1 skip=1080 count=2 2>/dev/null | od -An -tx2)" = \
	' ef53' ] || exit 12
# What was read once is not read again, until it is forgotten.
reads() { sed -n 's/^cache.read_pages //p' /proc/vm/events; }
a=$(cat /mnt/busybox >/dev/null; reads)
b=$(cat /mnt/busybox >/dev/null; reads)
echo 1 >/proc/sys/vm/drop_caches
c=$(cat /mnt/busybox >/dev/null; reads)
[ "$a" -gt 0 ] && [ "$a" = "$b" ] && [ "$b" -lt "$c" ] || exit 18
umount /mnt || exit 13
printf 'at the end' | dd of=/dev/sda bs=1 seek=16777206 conv=notrunc,fsync \
	2>/dev/null || exit 14
printf 'xx' | dd of=/dev/sda bs=1 seek=16777216 2>/dev/null && exit 15
blockdev --flushbufs /dev/sda || exit 16
[ "$(tail -c 10 /dev/sda)" = 'at the end' ] || exit 17
exit 0
END
mkdir "$tmp/mnt"
dd if=/dev/urandom of="$tmp/disk" bs=1M count=16 status=none
head -c 3000000 "$tmp/disk" >"$tmp/data"
dd if="$tmp/disk" of="$tmp/part" bs=1 skip=12345 count=700 status=none
cat >"$tmp/views" <<'END'
# The mounted disk sda, the disk sdb whose partition sdb1 is mounted.
mkdir /a /b /mnt
exec 3</dev/sda 4</dev/sdb 5</dev/sdb1
same() { # NODE: its pages are what the disk has
	a=$(sha256sum <$1)
	blockdev --flushbufs $1 || exit 20
	[ "$a" = "$(sha256sum <$1)" ] || exit 21
}
mount -t ext2 /dev/sda /a && mount -t ext2 /dev/sdb1 /b || exit 22
for d in a b; do
	head -c 100000 /bin/busybox >/$d/one
	printf 'marker of the first' >>/$d/one
done
sync
cat /dev/sda /dev/sdb /dev/sdb1 >/dev/null
grep -q 'marker of the first' /dev/sda || exit 23
# Names are seen before they are on the disk, bytes when they are.
mkdir /a/a-name-in-memory /b/a-name-in-memory
grep -q 'a-name-in-memory' /dev/sda || exit 24
grep -q 'a-name-in-memory' /dev/sdb1 || exit 25
for d in a b; do
	printf 'marker of the later' |
		dd of=/$d/one bs=1 seek=100000 conv=notrunc 2>/dev/null
done
sync
for n in sda sdb sdb1; do
	grep -q 'marker of the first' /dev/$n && exit 26
	grep -q 'marker of the later' /dev/$n || exit 27
	grep -q 'a-name-in-memory' /dev/$n || exit 28
	same /dev/$n
done
# Blocks change hands: names become bytes and bytes names.  (Of free blocks
# the node may show what memory had last.)
for i in 1 2 3; do
	mkdir /a/d$i && cp /bin/busybox /a/d$i/f && sync
	rm -r /a/d$i && cp /a/one /a/f$i
done
umount /a && umount /b || exit 29
grep -q 'marker of the later' /dev/sdb || exit 30
same /dev/sdb
same /dev/sdb1
mount -t ext2 /dev/../dev/../dev/../dev/../dev/../dev/../dev/../dev/../dev/sda /a ||
	exit 31
cmp /a/one /a/f3 && umount /a || exit 32
/t/disk_maps_like_a_file /dev/sdc || exit 33
# A file system made through the node, in pages that were never dropped.
exec 6</dev/sdc
for i in 1 2 3; do
	mke2fs /dev/sdc >/dev/null && mount -t ext2 /dev/sdc /a || exit 34
	[ "$(ls /a)" = lost+found ] || exit 35
	echo $i >/a/file$i && umount /a || exit 36
	grep -q file$i /dev/sdc || exit 37
	same /dev/sdc
done
exit 0
END
sizes='1024 4096' counts='1 2'
in_full || sizes=4096 counts=2
for bs in $sizes; do
	truncate -s 0 "$tmp/a" "$tmp/b" "$tmp/c"
	truncate -s 6M "$tmp/a"
	mke2fs -F -q -t ext2 -b $bs "$tmp/a"
	truncate -s 3M "$tmp/b1"
	mke2fs -F -q -t ext2 -b $bs "$tmp/b1"
	# A partition at sector 63: its pages lie across those of the disk.
	truncate -s 4M "$tmp/b"
	printf '\000\001\001\000\203\376\377\377\077\0\0\0\0\030\0\0' |
		dd of="$tmp/b" bs=1 seek=446 conv=notrunc status=none
	printf '\125\252' | dd of="$tmp/b" bs=1 seek=510 conv=notrunc status=none
	dd if="$tmp/b1" of="$tmp/b" bs=512 seek=63 conv=notrunc status=none
	truncate -s 4M "$tmp/c"
	expect 0 $guest --log "$tmp/log" --append locks=1 --disk "$tmp/a" \
		--disk "$tmp/b" --disk "$tmp/c" --add "$tmp/views:/views" \
		--add $BUILD/kernel/test/progs/disk_maps_like_a_file:/t/ -- \
		/bin/sh /views
	expect 0 e2fsck -fn "$tmp/a" >"$tmp/fsck" 2>&1
	expect 0 e2fsck -fn "$tmp/c" >"$tmp/fsck" 2>&1
	dd if="$tmp/b" of="$tmp/b1" bs=512 skip=63 count=6144 status=none
	expect 0 e2fsck -fn "$tmp/b1" >"$tmp/fsck" 2>&1
	truncate -s 0 "$tmp/c"
	truncate -s 4M "$tmp/c"
	expect 0 $guest --disk "$tmp/c" --log "$tmp/log" \
		--add $BUILD/kernel/test/progs/disk_maps_like_a_file:/t/ -- \
		/bin/sh -c 'mkdir /mnt; exec /t/disk_maps_like_a_file /dev/sda'
	same 'mapped closed z' "$(dd if="$tmp/c" bs=1 skip=200 count=6 \
		status=none) $(dd if="$tmp/c" bs=1 skip=300 count=6 \
		status=none) $(tail -c 1 "$tmp/c")" 'what was mapped'
done
for cpus in $counts; do
	cp "$tmp/disk" "$tmp/copy"
	expect 0 $guest --cpus $cpus --append locks=1 --log "$tmp/log" \
		--disk "$tmp/copy" --add "$tmp/data:/data" \
		--add "$tmp/part:/part" --add "$tmp/script:/script" -- \
		/bin/sh -c 'mkdir -p /mnt; . /script'
	expect 0 e2fsck -fn "$tmp/copy" >"$tmp/fsck" 2>&1
	same 'at the end' "$(tail -c 10 "$tmp/copy")" 'the last bytes'
	debugfs -R "dump /busybox $tmp/got" "$tmp/copy" 2>/dev/null
	cmp -s /bin/busybox "$tmp/got" || fail 'bytes of a file'
done
finish
