#!/bin/sh
# NEEDS: TIMEOUT=120 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# A file on a disk takes O_DIRECT, by Linux's rules; what such a write has written is
# on the disk although the machine is cut off.
. kernel/test/cases/lib.sh

prog=$BUILD/kernel/test/progs/direct_files_keep_their_rules
pid=                # of the guest that is to be killed, while it runs
at_end='[ -z "$pid" ] || kill -KILL -$pid'
mounted="mkdir /mnt && mount -t ext2 /dev/sda /mnt"

for bs in 1024 4096; do
	rm -f "$tmp/disk"
	truncate -s 8M "$tmp/disk"
	mke2fs -F -q -t ext2 -b $bs "$tmp/disk"
	expect 0 $guest --log "$tmp/log" --disk "$tmp/disk" --append locks=1 \
		--add "$prog:/p" -- /bin/sh -c "$mounted && /p /mnt && umount /mnt"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done

: >"$tmp/out"
setsid $guest --log "$tmp/log" --disk "$tmp/disk" --add "$prog:/p" -- \
	/bin/sh -c "$mounted && /p /mnt wait" >"$tmp/out" 2>"$tmp/err" &
pid=$!
i=0
while [ ! -s "$tmp/out" ] && [ $i -lt 600 ]; do
	sleep 0.1
	i=$((i + 1))
done
kill -KILL -$pid
wait $pid 2>/dev/null
pid=
same "256" "$(grep -ao 'written directly' "$tmp/disk" | wc -l)" "on the disk"
finish
