#!/bin/sh
# NEEDS: TIMEOUT=120 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# A disk with a sector that cannot be read: EIO to the reader, SIGBUS to the
# mapper of that page.  One that cannot be written: EIO to fsync.  Everything
# else goes on.
. kernel/test/cases/lib.sh

mkdir "$tmp/files"
for c in a b c d; do
	head -c 4096 /dev/zero | tr '\0' $c
done >"$tmp/files/file"
cp "$tmp/files/file" "$tmp/files/good"
cp "$tmp/files/file" "$tmp/files/stuck"
truncate -s 8M "$tmp/disk"
mke2fs -F -q -t ext2 -b 4096 -d "$tmp/files" "$tmp/disk"
block=$(debugfs -R 'bmap /file 2' "$tmp/disk" 2>/dev/null)
stuck=$(debugfs -R 'bmap /stuck 1' "$tmp/disk" 2>/dev/null)
bad=file.inject-error.0
no=file.inject-error.1

cat >"$tmp/script" <<'END'
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
/t/bad_sectors /mnt/file 2 || exit 2
cat /mnt/file >/dev/null 2>/err && exit 3
grep -qi 'input.output error' /err || exit 4
/t/bad_sectors /mnt/good -1 || exit 5
cp /mnt/good /mnt/new && cmp /mnt/good /mnt/new || exit 6
dd if=/mnt/good of=/mnt/stuck bs=4096 conv=notrunc,fsync 2>/err && exit 7
grep -qi 'input.output error' /err || exit 8
cp /mnt/good /mnt/more && cmp /mnt/good /mnt/more || exit 9
[ "$(sed -n 's/^io.errors //p' /proc/vm/events)" -gt 0 ] || exit 10
umount /mnt || exit 11
END

for bus in ide virtio; do
	case $bus in ide) dev=sda ;; virtio) dev=vda ;; esac
	sed "s/sda/$dev/" "$tmp/script" >"$tmp/script.$bus"
	expect 0 $guest --log "$tmp/log" --disk "$bus:driver=raw,\
file.driver=blkdebug,file.image.driver=file,file.image.filename=$tmp/disk,\
$bad.event=read_aio,$bad.sector=$((block * 8 + 3)),$bad.errno=5,\
$no.event=write_aio,$no.sector=$((stuck * 8)),$no.errno=5" \
		--add "$BUILD/kernel/test/progs/bad_sectors:/t/" \
		--add "$tmp/script.$bus:/script" -- /bin/sh /script
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done
finish
