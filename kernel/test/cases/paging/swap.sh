#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# mkswap, swapon, swapoff, free on a disk, a partition and files of ext2; what
# may not be done to them meanwhile; headers that are wrong; the word swap=.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
# sda: to be swapped to.  sdb1: a partition at sector 63.  sdc: ext2.
mkdir -p /mnt
total() { sed -n 's/^SwapTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo; }
limit() { sed -n 's/^CommitLimit: *\([0-9]*\) kB/\1/p' /proc/meminfo; }
no() { "$@" >/dev/null 2>&1 && echo "was allowed: $*" && exit 9; true; }
[ "$(total)" = 0 ] && [ "$(wc -l </proc/swaps)" = 1 ] || exit 10
was=$(limit)

# A disk.
no swapon /dev/sda
mkswap /dev/sda >/dev/null && swapon /dev/sda || exit 11
[ "$(total)" = 32764 ] || exit 12
[ $(($(limit) - was)) -gt 32000 ] || exit 13
grep -q '^/dev/sda  *partition	32764		0		-2$' /proc/swaps || exit 14
free | grep -q '^Swap: *32764 *0 *32764$' || exit 15
no swapon /dev/sda
no mkswap /dev/sda
no mount -t ext2 /dev/sda /mnt
no dd if=/dev/zero of=/dev/sda count=1

# A partition beside it; the disk around it is taken, too.
mkswap /dev/sdb1 >/dev/null && swapon /dev/sdb1 || exit 16
grep -q '^/dev/sdb1 .*	-3$' /proc/swaps || exit 17
[ "$(total)" = $((32764 + 8188)) ] || exit 18
no dd if=/dev/zero of=/dev/sdb count=1
no swapon /dev/sdb
swapoff /dev/sda || exit 19
no swapoff /dev/sda
[ "$(total)" = 8188 ] || exit 20

# A file.
mount -t ext2 /dev/sdc /mnt || exit 21
no swapon /dev/sdc
dd if=/dev/zero of=/mnt/area bs=64k count=64 2>/dev/null || exit 22
no swapon /mnt/area
mkswap /mnt/area >/dev/null && swapon /mnt/area || exit 23
grep -q '^/mnt/area  *file		4092		0		-4$' /proc/swaps || exit 24
no swapon /mnt/area
no sh -c 'echo text >>/mnt/area'
no sh -c ': >/mnt/area'
no truncate -s 100 /mnt/area
no rm -f /mnt/area
no mv /mnt/area /mnt/moved
no umount /mnt
no mount -o remount,ro /mnt
grep -q '^area=0 .*type=file .*slots=1023 used=0 free=1023 bad=0 ' \
	/proc/vm/swap || exit 25
swapoff /mnt/area && rm /mnt/area || exit 26
dd if=/dev/zero of=/mnt/holes bs=64k count=1 2>/dev/null
dd if=/dev/zero of=/mnt/holes bs=64k count=1 seek=3 2>/dev/null
mkswap /mnt/holes >/dev/null || exit 27
no swapon /mnt/holes
dd if=/dev/zero of=/dev/shm/area bs=64k count=16 2>/dev/null
mkswap /dev/shm/area >/dev/null || exit 28
no swapon /dev/shm/area
swapoff /dev/sdb1 || exit 36
[ "$(total)" = 0 ] && [ "$(limit)" = "$was" ] || exit 29
dd if=/dev/zero of=/dev/sdb count=1 2>/dev/null || exit 30
umount /mnt || exit 31

# A header that lies.  Each: byte and what is written there.
swap() { mkswap /dev/sda >/dev/null && printf "$2" |
	dd of=/dev/sda bs=1 seek=$1 conv=notrunc 2>/dev/null; }
for bad in '1024 \002' '1028 \377\377\377\377' '1028 \000\040' \
	'1028 \000\000\000\000' '1032 \001' '1032 \177\002\000\000' \
	'1034 \001' '4086 s'; do
	swap $bad || exit 32
	no swapon /dev/sda
done
swap 1032 '\002' && printf '\005\000\000\000\007\000\000\000' |
	dd of=/dev/sda bs=1 seek=1536 conv=notrunc 2>/dev/null
swapon /dev/sda && grep -q 'slots=8189 .*bad=2 ' /proc/vm/swap || exit 33
swapoff /dev/sda || exit 34
echo 2 >/proc/vm/check || exit 35
exit 0
END
for bs in 1024 2048 4096; do
	truncate -s 0 "$tmp/a" "$tmp/b" "$tmp/c"
	truncate -s 32M "$tmp/a"
	truncate -s 10M "$tmp/b"
	printf '\000\001\001\000\202\376\377\377\077\0\0\0\0\100\0\0' |
		dd of="$tmp/b" bs=1 seek=446 conv=notrunc status=none
	printf '\125\252' | dd of="$tmp/b" bs=1 seek=510 conv=notrunc status=none
	truncate -s 12M "$tmp/c"
	mke2fs -F -q -t ext2 -b $bs "$tmp/c"
	expect 0 $guest --memory 64M --append locks=1 --log "$tmp/log" \
		--disk "$tmp/a" --disk "$tmp/b" --disk "$tmp/c" \
		--add "$tmp/script:/script" -- /bin/sh /script
	expect 0 e2fsck -fn "$tmp/c" >"$tmp/fsck" 2>&1
done

# From the start: a new area, a file that is kept, and one that is none.
for swap in 16M "$tmp/a"; do
	mkswap -q "$tmp/a" 2>/dev/null
	got=$($guest --swap $swap -- /bin/sh -c 'sed 1d /proc/swaps')
	case $got in
	'/dev/vda '*partition*-2) ;;
	*) fail "--swap $swap: $got" ;;
	esac
done
expect 125 $guest --append swap=vdq -- true 2>"$tmp/err"
grep -q 'no swap on vdq' "$tmp/err" || fail "swap=vdq: $(cat "$tmp/err")"
finish
