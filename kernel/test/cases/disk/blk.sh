#!/bin/sh
# NEEDS: TIMEOUT=240 SHORT=1 TURN=6 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Disks in QEMU: both drivers, DMA and PIO; bad sectors, partitions.
. kernel/test/cases/lib.sh
. kernel/test/cases/disk/disks.sh

all=blk_sizes,blk_bytes,blk_threads,blk_queue,blk_flush,blk_bounds,blk_inject
all=$all,part_mbr,part_gpt
scratch a
scratch b
disks="sda vda"
tests 0 $all --cpus 4 --disk "$tmp/a" --disk "virtio:$tmp/b"
cmp "$tmp/a" "$tmp/b" || fail "two drivers, the same writes, other bytes"
! in_full || tests 0 $all --cpus 1 --disk "$tmp/a" --disk "virtio:$tmp/b"
disks=sda
tests 0 $all --cpus 4 --append ata=pio --disk "$tmp/a"
says "sda: PIO"

# A disk with bad sectors: the errors arrive, the rest goes on.
cat >"$tmp/bad" <<'EOF'
[inject-error]
event = "read_aio"
iotype = "read"
errno = "5"
sector = "131071"
once = "off"

[inject-error]
event = "flush_to_disk"
errno = "5"
once = "on"
EOF
for bus in ide virtio; do
	disks=
	tests 1 blk_sizes,blk_flush,blk_threads --disk \
		"$bus:file=blkdebug:$tmp/bad:$tmp/a,format=raw"
	says "read at sector 131071: error 5"
	says "flush at sector 0: error 5"
	says "3 ran, 7 claims failed"
done

# A disk that takes longer than anyone waits: reset, retry, then an error.
if [ -n "$LONG" ]; then
	for bus in ide virtio; do
		disks=
		tests 1 blk_flush --disk \
			"$bus:file=$tmp/a,format=raw,throttling.bps-total=600"
		says "no answer in time, reset"
		says "read at sector 100: error 5"
	done
fi

# Partitions that the host made are there at boot: one, and one too long.
printf '\203\0\0\0\077\0\0\0\0\020\0\0' |
	dd of="$tmp/a" bs=1 seek=450 conv=notrunc status=none
printf '\203\0\0\0\0\0\002\0\001\0\0\0' |
	dd of="$tmp/a" bs=1 seek=466 conv=notrunc status=none
printf '\125\252' | dd of="$tmp/a" bs=1 seek=510 conv=notrunc status=none
expect 0 $guest --log "$tmp/log" --disk "$tmp/a" -- true
says "sda1: 2 MiB at sector 63"
says "sda: partition 2 is not on the disk"

# What cannot be is said.
expect 126 $guest --disk "$tmp/none" -- true 2>/dev/null
expect 126 $guest --disk "$tmp/a" --disk "$tmp/a" --disk "$tmp/a" \
	--disk "$tmp/a" --disk "$tmp/a" -- true 2>/dev/null
finish
