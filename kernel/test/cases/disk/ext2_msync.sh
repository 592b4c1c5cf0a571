#!/bin/sh
# NEEDS: TIMEOUT=240 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# On a disk stores through mappings move the times, and after msync bytes, size
# and times are there although the machine is cut off.
. kernel/test/cases/lib.sh

progs=$BUILD/kernel/test/progs
pid=                # of the guest that is to be killed, while it runs
at_end='[ -z "$pid" ] || kill -KILL -$pid'

# fresh BLOCKSIZE: $tmp/disk is an empty file system
fresh() {
	rm -f "$tmp/disk"
	truncate -s 8M "$tmp/disk"
	mke2fs -F -q -t ext2 -b "$1" "$tmp/disk"
}

mounted="mkdir /mnt && mount -t ext2 /dev/sda /mnt"

for bs in 1024 4096; do
	fresh $bs
	expect 0 $guest --log "$tmp/log" --disk "$tmp/disk" --append locks=1 \
		--add "$progs/mapped_stores_move_times:/p" -- /bin/sh -c \
		"$mounted && /p /mnt && umount /mnt"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1

	fresh $bs
	: >"$tmp/out"
	setsid $guest --log "$tmp/log" --disk "$tmp/disk" \
		--add "$progs/msync_is_durable:/p" -- /bin/sh -c \
		"$mounted && /p /mnt wait" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	i=0
	while [ ! -s "$tmp/out" ] && [ $i -lt 600 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	kill -KILL -$pid
	wait $pid 2>/dev/null
	pid=
	same synced "$(cat "$tmp/out")" "what the guest said"

	e2fsck -p "$tmp/disk" >"$tmp/fsck" 2>&1
	[ $? -le 1 ] || fail "e2fsck: $(cat "$tmp/fsck")"
	debugfs -R "dump -p /synced $tmp/synced" "$tmp/disk" >/dev/null 2>&1
	same 409600 "$(stat -c %s "$tmp/synced")" "size, $bs"
	[ "$(stat -c %Y "$tmp/synced")" -gt 1000 ] || fail "time, $bs"
	i=0
	while [ $i -lt 100 ]; do
		c='\000'
		[ $((i % 3)) != 0 ] || c="\\$(printf %03o $((97 + i % 26)))"
		head -c 4096 /dev/zero | tr '\000' "$c"
		i=$((i + 1))
	done | cmp - "$tmp/synced" || fail "bytes, $bs"
done

# Stores beside a write-back.
rm -f "$tmp/disk"
truncate -s 8M "$tmp/disk"
mke2fs -F -q -t ext2 "$tmp/disk"
expect 0 $guest --log "$tmp/log" --disk "$tmp/disk" \
	--add "$progs/stores_during_a_write_are_aged:/p" -- /bin/sh -c \
	"$mounted && /p /mnt && umount /mnt"
finish
