#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# fallocate on ext2: promised room is there, on a full disk it is refused.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
mkdir -p /mnt && mount -t ext2 /dev/sda /mnt || exit 1
/program /mnt || exit 2
free=$(df -k /mnt | tail -n 1)
fallocate -l 4194304 /mnt/big || exit 3
head -c 3500000 /dev/zero >/mnt/rest 2>/dev/null && exit 4
# Full; but what was promised can be written.
dd if=/dev/urandom of=/mnt/big bs=65536 count=64 conv=notrunc,fsync \
	2>/dev/null || exit 5
fallocate -l 8000000 /mnt/more 2>/dev/null && exit 6
rm -f /mnt/big /mnt/rest /mnt/more && sync
[ "$(df -k /mnt | tail -n 1)" = "$free" ] || exit 7
umount /mnt || exit 8
END
for bs in 1024 4096; do
	rm -f "$tmp/disk"
	truncate -s 8M "$tmp/disk"
	mke2fs -F -q -t ext2 -m 0 -b $bs "$tmp/disk" 7600K
	expect 0 $guest --log "$tmp/log" --disk "$tmp/disk" --append locks=1 \
		--add "$BUILD/kernel/test/progs/fallocate_answers:/program" \
		--add "$tmp/script:/script" -- /bin/sh /script
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done
finish
