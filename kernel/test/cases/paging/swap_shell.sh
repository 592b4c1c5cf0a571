#!/bin/sh
# NEEDS: TIMEOUT=300 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: keys are typed while the host runs
# More in memory files than there is memory: a shell goes on starting programs,
# every byte comes back; on a virtual disk in QEMU, on an IDE disk in Bochs.  In
# make check on four processors in QEMU alone.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
mkdir /m && mount -t tmpfs -o size=60m tmpfs /m || exit 10
dd if=/bin/busybox of=/m/x bs=1M count=1 2>/dev/null || exit 11
i=0
while [ $i -lt $2 ]; do
	cat /m/x >>/m/y || exit 12
	i=$((i + 1))
done
sha1sum </m/y
echo 2 >/proc/vm/check || exit 13
# n_of NAME; clusters of several pages both ways.
n_of() { sed -n "s/^swap.$1 //p" /proc/vm/events; }
[ $(n_of out_pages) -gt 1000 ] && [ $(n_of in_pages) -gt 1000 ] || exit 14
[ $(n_of out_pages) -gt $((8 * $(n_of out_bios))) ] || exit 15
[ $(n_of in_pages) -gt $((4 * $(n_of in_bios))) ] || exit 16
rm /m/x /m/y && umount /m || exit 17
swapoff $1 || exit 18
echo 2 >/proc/vm/check || exit 19
exit 0
END
dd if=/bin/busybox of="$tmp/x" bs=1M count=1 status=none
# Emulator, area, processors, memory, MiB of files.
hows='qemu:/dev/vda:4:36M:36'
! in_full || hows="qemu:/dev/vda:1:24M:25 $hows bochs:/dev/sda:1:24M:25"
for how in $hows; do
	set -- $(echo "$how" | tr : " ")
	expect 0 $guest --emulator $1 --cpus $3 --memory $4 --swap 64M \
		--log "$tmp/log" --add "$tmp/script:/script" -- \
		/bin/sh /script $2 $5 >"$tmp/out"
	want=$(for i in $(seq $5); do cat "$tmp/x"; done | sha1sum)
	same "$want" "$(cat "$tmp/out")" "the bytes, $how"
done
finish
