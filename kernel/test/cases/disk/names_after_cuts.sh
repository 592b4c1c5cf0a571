#!/bin/sh
# NEEDS: TIMEOUT=300 TURN=3 KIND=bounded
# BOUNDED: the cut comes when the host pleases
# Names on a disk, changed by three processes at once: what came of each round of
# calls is what some order of them gives; after a cut of power behind a sync
# the disk has the tree that was synced, after any other one that e2fsck repairs.
# Arguments: disks (1; 20 when LONG), first seed (1), rounds (80), by fours.
. kernel/test/cases/lib.sh

disks=${1:-${LONG:+20}}
disks=${disks:-1}
seed=${2:-1}
rounds=${3:-80}
trees=0 cuts=0

# A disk and the record of all writes to it; in $tmp/stamped how long that was
# when a round was done.  Its first part has the file system, its second notes.
record() {
	rm -f "$tmp/disk" "$tmp/lines"
	truncate -s 8M "$tmp/part"
	mke2fs -F -q -t ext2 -b $((1024 << seed % 3)) "$tmp/part" ||
		fail "mke2fs"
	truncate -s 10M "$tmp/disk"
	# Sectors 2048 to 18432, and from there 2048.
	{
		printf '\0\0\0\0\203\0\0\0\0\010\0\0\0\100\0\0'
		printf '\0\0\0\0\203\0\0\0\0\110\0\0\0\010\0\0'
		head -c 32 /dev/zero
		printf '\125\252'
	} | dd of="$tmp/disk" bs=1 seek=446 conv=notrunc 2>/dev/null
	dd if="$tmp/part" of="$tmp/disk" bs=1M seek=1 conv=notrunc 2>/dev/null
	cp --sparse=always "$tmp/disk" "$tmp/base"
	: >"$tmp/writes"
	disk="driver=blklogwrites,file.driver=file,file.filename=$tmp/disk"
	disk="$disk,log.driver=file,log.filename=$tmp/writes"
	mkfifo "$tmp/lines"
	build/tools/replaylog --stamp "$tmp/writes" <"$tmp/lines" \
		>"$tmp/stamped" &
	expect 0 $guest --cpus $((1 + seed % 4)) --append sched=$seed --log "$tmp/log" --disk "$disk" \
		--add "$BUILD/kernel/test/progs/names_fit_an_order:/t/" -- \
		/bin/sh -c "mkdir /mnt && mount -t ext2 /dev/sda1 /mnt &&
		/t/names_fit_an_order /mnt $rounds $seed /dev/sda2 &&
		umount /mnt" >"$tmp/lines"
	wait
	same $((rounds / 4)) "$(grep -c '^[0-9]* done$' "$tmp/stamped")" \
		"seed $seed: $(grep -v ' done$' "$tmp/stamped")"
	cp --sparse=always "$tmp/disk" "$tmp/copy"
	part
	expect 0 e2fsck -fn "$tmp/part" >"$tmp/fsck" 2>&1
}

# The file system of $tmp/copy
part() {
	dd if="$tmp/copy" of="$tmp/part" bs=1M skip=1 count=8 2>/dev/null
}

# noted BLOCK: what the program wrote there
noted() {
	dd if="$tmp/copy" bs=4096 skip=$((2304 + $1)) count=1 2>/dev/null |
		tr -d '\0'
}

# checked WHAT: the disk $tmp/copy is repaired, and has the tree that it should have
checked() {
	cuts=$((cuts + 1))
	part
	e2fsck -p "$tmp/part" >"$tmp/fsck" 2>&1
	[ $? -le 3 ] || fail "$1: $(cat "$tmp/fsck")"
	expect 0 e2fsck -fn "$tmp/part" >"$tmp/fsck" 2>&1
	[ "$(noted 0)" = "done" ] || return
	trees=$((trees + 1))
	noted 1 | tr ' ' '\n' | sed '/^$/d; s,^/,,' | sort >"$tmp/want"
	rm -rf "$tmp/tree"
	mkdir "$tmp/tree"
	debugfs -R "rdump /names $tmp/tree" "$tmp/part" >/dev/null 2>&1
	find "$tmp/tree/names" -mindepth 1 -printf '%P=%y\n' |
		sort >"$tmp/got"
	cmp -s "$tmp/want" "$tmp/got" ||
		fail "$1: $(diff "$tmp/want" "$tmp/got")"
}

n=0
while [ $n -lt "$disks" ]; do
	record
	i=0
	while read -r entries word; do
		i=$((i + 1))
		[ "$word" = "done" ] && [ $((i % 2)) = 0 ] || continue
		cp --sparse=always "$tmp/base" "$tmp/copy"
		build/tools/replaylog --until "$entries" "$tmp/writes" \
			"$tmp/copy" >/dev/null || fail "replaylog --until"
		checked "seed $seed, round $i"
	done <"$tmp/stamped"
	i=0
	while [ $i -lt 10 ]; do
		i=$((i + 1))
		cp --sparse=always "$tmp/base" "$tmp/copy"
		at=$(build/tools/replaylog "$tmp/writes" "$tmp/copy" \
			$((seed * 100 + i))) || fail "replaylog"
		checked "seed $seed, $at"
	done
	n=$((n + 1))
	seed=$((seed + 1))
done
[ $trees -ge $((disks * 4)) ] || fail "$cuts cuts, but only $trees trees"
echo "$cuts cuts, $trees of them behind a sync"
finish
