#!/bin/sh
# NEEDS: TIMEOUT=240 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# A file of dd has the same sum in the guest, after a remount, and on the
# host.  6 MiB; in make check-long 64.  A file beyond 2 GiB is told of in the
# superblock, also of a disk that had no such mark, or could not have one.
. kernel/test/cases/lib.sh

mib=${LONG:+64}
mib=${mib:-6}
cat >"$tmp/script" <<END
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
dd if=/dev/urandom of=/mnt/large bs=64k count=$((mib * 16)) 2>/dev/null || exit 2
sha256sum </mnt/large
umount /mnt && mount -t ext2 /dev/sda /mnt || exit 3
sha256sum </mnt/large
END

for bs in 1024 4096; do
	rm -f "$tmp/disk"
	truncate -s $((mib * 2))M "$tmp/disk"
	mke2fs -F -q -t ext2 -b $bs "$tmp/disk"
	expect 0 $guest --memory 64M --log "$tmp/log" --disk "$tmp/disk" \
		--add "$tmp/script:/script" -- /bin/sh /script >"$tmp/out"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
	debugfs -R "dump /large $tmp/large" "$tmp/disk" 2>/dev/null
	same $((mib << 20)) "$(stat -c %s "$tmp/large")" "$bs: size"
	sum=$(sha256sum <"$tmp/large")
	printf '%s\n' "$sum" "$sum" >"$tmp/want"
	cmp "$tmp/want" "$tmp/out" || fail "$bs: sums"
done

cat >"$tmp/script" <<'END'
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
echo end | dd of=/mnt/far bs=1M seek=2100 2>/dev/null || exit 2
umount /mnt && mount -t ext2 /dev/sda /mnt || exit 3
[ "$(tail -c 4 /mnt/far)" = end ] && umount /mnt
END
for how in '-r 0' '-O ^large_file'; do
	rm -f "$tmp/disk"
	truncate -s 4M "$tmp/disk"
	mke2fs -F -q -t ext2 $how -b 1024 "$tmp/disk" 2>/dev/null
	expect 0 $guest --memory 64M --log "$tmp/log" --disk "$tmp/disk" \
		--add "$tmp/script:/script" -- /bin/sh /script
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
	dumpe2fs -h "$tmp/disk" 2>/dev/null | grep -q large_file ||
		fail "$how: no mark"
done
finish
