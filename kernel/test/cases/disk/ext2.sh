#!/bin/sh
# NEEDS: TIMEOUT=240 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Files on an ext2 disk: copies, trees, unmount; e2fsck finds nothing to say.  A file that
# somebody else has marked as immutable (chattr +i) stays as it is.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
rm -f /mnt/fixed 2>/dev/null && exit 10
(echo x >>/mnt/fixed) 2>/dev/null && exit 11
cmp /etc/passwd /mnt/fixed || exit 12
cp /bin/busybox /mnt/busybox
ln -s busybox /mnt/cat
cmp /bin/busybox /mnt/busybox || exit 2
/mnt/cat /etc/passwd | cmp - /etc/passwd || exit 3
free=$(df /mnt | tail -1)
mkdir /mnt/t /mnt/u
i=0
while [ $i -lt 20 ]; do
	mkdir -p /mnt/t/d$i/e
	head -c $((i * i * 997)) /bin/busybox >/mnt/t/d$i/f
	ln /mnt/t/d$i/f /mnt/t/d$i/e/f
	ln -s ../f /mnt/t/d$i/e/l
	i=$((i + 1))
done
tar cf /mnt/tar -C /mnt t && tar xf /mnt/tar -C /mnt/u || exit 4
diff -r /mnt/t /mnt/u/t || exit 5
mv /mnt/u/t /mnt/v && rmdir /mnt/u || exit 6
umount /mnt && mount -t ext2 /dev/sda /mnt || exit 7
diff -r /mnt/t /mnt/v || exit 8
rm -rf /mnt/t /mnt/v /mnt/tar
[ "$(df /mnt | tail -1)" = "$free" ] || exit 9
head -c 3000000 /dev/urandom >/mnt/random
sha256sum </mnt/random
END

for bs in 1024 2048 4096; do
	rm -f "$tmp/disk"
	truncate -s 48M "$tmp/disk"
	mke2fs -F -q -t ext2 -b $bs "$tmp/disk"
	for c in "write tools/image/etc/passwd fixed" 'sif fixed flags 0x10'; do
		debugfs -w -R "$c" "$tmp/disk" >/dev/null 2>&1
	done
	expect 0 $guest --log "$tmp/log" --disk "$tmp/disk" \
		--add "$tmp/script:/script" -- /bin/sh /script >"$tmp/out"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
	dumpe2fs -h "$tmp/disk" 2>&1 | grep -q 'state: *clean' ||
		fail "$bs: the disk was not left clean"
	debugfs -R "dump /random $tmp/random" "$tmp/disk" 2>/dev/null
	same "$(cat "$tmp/out")" "$(sha256sum <"$tmp/random")" "$bs: bytes"
done
finish
