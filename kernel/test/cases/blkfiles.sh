#!/bin/sh
# NEEDS: TIMEOUT=120
# Disks as files: mke2fs in the guest, mount by name, busy while mounted.
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
for cpus in 1 2; do
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
