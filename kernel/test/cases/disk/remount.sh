#!/bin/sh
# NEEDS: TIMEOUT=120 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Read-only and back: a disk, and the root; it is clean while it is read-only.
. kernel/test/cases/lib.sh

truncate -s 16M "$tmp/disk"
mke2fs -F -q -t ext2 "$tmp/disk"
for cpus in 1 2; do
	expect 0 $guest --cpus $cpus --append locks=1 --log "$tmp/log" \
		--disk "$tmp/disk" \
		--add $BUILD/kernel/test/progs/remount_rules:/t/ -- \
		/t/remount_rules /dev/sda ext2
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done

# The root: busybox's mount, a cut while it is read-only, and while it is not.
cp --sparse=always $BUILD/root.img "$tmp/root"
expect 0 $guest --root "$tmp/root" --log "$tmp/log" -- /bin/sh -c '
	echo one >/one && exec 3>>/one && ! mount -o remount,ro / 2>/dev/null &&
	echo two >&3 && exec 3>&- && mount -o remount,ro / &&
	grep -q " / ext2 ro," /proc/mounts && ! touch /two 2>/dev/null &&
	cat /one >/dev/null && mount -o remount,rw / && echo three >>/one &&
	mkdir /dir && mount -o remount,ro /'
expect 0 e2fsck -fn "$tmp/root" >"$tmp/fsck" 2>&1
debugfs -R 'cat /one' "$tmp/root" >"$tmp/one" 2>/dev/null
same 'one two three' "$(echo $(cat "$tmp/one"))" 'the file'

# Killed while read-only: clean.
setsid $guest --root "$tmp/root" --log "$tmp/log" -- /bin/sh -c '
	echo four >>/one; mount -o remount,ro / && echo ready; sleep 100' \
	>"$tmp/out" 2>/dev/null &
pid=$!
i=0
while [ ! -s "$tmp/out" ] && [ $i -lt 300 ]; do
	sleep 0.1
	i=$((i + 1))
done
kill -KILL -$pid
wait $pid 2>/dev/null
expect 0 e2fsck -fn "$tmp/root" >"$tmp/fsck" 2>&1
dumpe2fs -h "$tmp/root" 2>&1 | grep -q 'state: *clean' || fail 'not clean'
debugfs -R 'cat /one' "$tmp/root" >"$tmp/one" 2>/dev/null
same 'one two three four' "$(echo $(cat "$tmp/one"))" 'the file, at a cut'
finish
