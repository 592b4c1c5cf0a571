#!/bin/sh
# NEEDS: TIMEOUT=240 SHORT=1 TURN=3,2 KIND=bounded
# BOUNDED: Bochs runs beside the clock of the host
# Disks in Bochs: DMA and PIO, 1 and 2 CPUs; the root's changes are thrown away,
# or kept in an image, which a killed run leaves usable.  In make check DMA on 2
# CPUs alone.
. kernel/test/cases/lib.sh
. kernel/test/cases/disk/disks.sh

scratch a
disks=sda
counts='1 2'
in_full || counts=2
for cpus in $counts; do
	tests 0 blk_sizes,blk_bytes,blk_queue,blk_flush,blk_bounds,part_gpt \
		--emulator bochs --cpus $cpus --disk "$tmp/a"
	says "sda: DMA"
done
in_full || finish
tests 0 blk_sizes,blk_flush --emulator bochs --append ata=pio --disk "$tmp/a"
says "sda: PIO"

# guest takes the root's image from the kernel's folder.
cp "$BUILD/vadose.elf" "$BUILD/initrd.cpio" "$tmp"
mv "$tmp/a" "$tmp/root.img"
sum=$(md5sum "$tmp/root.img")
for emulator in qemu bochs; do
	guest="$GUEST --kernel $tmp/vadose.elf --timeout 900"
	# A scratch disk is no root: the kernel is told to leave it alone.
	tests 0 blk_sizes --emulator $emulator --root disk \
		--append root=initrd
	same "$sum" "$(md5sum "$tmp/root.img")" "root image after $emulator"
done

cp "$BUILD/root.img" "$tmp/kept"
guest="$GUEST --kernel $tmp/vadose.elf --emulator bochs --root $tmp/kept"
expect 124 $guest --timeout 5 -- sleep 100 2>/dev/null
same "$tmp/kept" "$(echo "$tmp"/kept*)" "files after a killed run"
expect 0 $guest --timeout 900 -- sh -c 'echo stays >/root/kept'
same stays "$(debugfs -R 'cat /root/kept' "$tmp/kept" 2>/dev/null)" "kept"
expect 0 e2fsck -fn "$tmp/kept" >"$tmp/fsck" 2>&1
finish
