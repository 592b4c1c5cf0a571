#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# /proc/diskstats counts what disks and partitions do, in Linux's columns.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
# stat DISK COLUMN: as the kernel's iostats.rst numbers them, from 1
stat() { awk -v d=$1 -v c=$2 '$3 == d { print $(c + 3) }' /proc/diskstats; }
[ "$(awk '{ print NF }' /proc/diskstats | sort -u)" = 20 ] || exit 1
[ "$(awk '{ print $1, $2, $3 }' /proc/diskstats)" = \
	"$(awk 'NR > 2 { print $1, $2, $4 }' /proc/partitions)" ] || exit 2
reads=$(stat sda 1) sectors=$(stat sda 3) part=$(stat sda1 3)
dd if=/dev/sda1 of=/dev/null bs=64k count=16 2>/dev/null
[ $(($(stat sda1 3) - part)) -ge 2048 ] || exit 3
[ $(($(stat sda 3) - sectors)) = $(($(stat sda1 3) - part)) ] || exit 4
[ "$(stat sda 1)" -gt "$reads" ] || exit 5
# What is in memory is not read.
exec 3</dev/sda1
cat /dev/sda1 >/dev/null
part=$(stat sda1 3)
cat /dev/sda1 >/dev/null
[ "$(stat sda1 3)" = "$part" ] || exit 6
writes=$(stat sda 5) sectors=$(stat sda 7) flushes=$(stat sda 16)
dd if=/dev/zero of=/dev/sda1 bs=4k count=100 seek=7 conv=notrunc,fsync \
	2>/dev/null
[ $(($(stat sda 7) - sectors)) = 800 ] || exit 7
[ $(($(stat sda 5) - writes)) -ge 1 ] || exit 8
[ $(($(stat sda 5) - writes)) -le 100 ] || exit 9
[ "$(stat sda 16)" -gt "$flushes" ] || exit 10
[ "$(stat sda 9)$(stat sda 2)$(stat sda 6)" = 000 ] || exit 11
# Times: of all requests, and of the disk, which is not longer.
[ $(($(stat sda 4) + $(stat sda 8) + $(stat sda 17))) -le \
	$(($(stat sda 11) + 2)) ] || exit 12
[ "$(stat sda 10)" -le "$(cut -d. -f1 /proc/uptime)999" ] || exit 13
iostat -d sda >/dev/null 2>&1 || ! which iostat >/dev/null || exit 14
exit 0
END
truncate -s 10M "$tmp/disk"
printf '\000\001\001\000\203\376\377\377\100\0\0\0\0\100\0\0' |
	dd of="$tmp/disk" bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of="$tmp/disk" bs=1 seek=510 conv=notrunc status=none
for bus in ide virtio; do
	sed "$([ $bus = ide ] || echo 's/sda/vda/g')" "$tmp/script" >"$tmp/run"
	expect 0 $guest --log "$tmp/log" --append locks=1 \
		--disk $bus:"$tmp/disk" --add "$tmp/run:/run.sh" -- \
		/bin/sh /run.sh
done
finish
