#!/bin/sh
# NEEDS: TIMEOUT=400 TURN=3 KIND=bounded
# BOUNDED: the cut comes when the host pleases
# After a power cut e2fsck -p repairs the disk, and what was fsync'ed is there.
# Half of the cuts kill the emulator, half lose writes that no flush followed.
# What O_SYNC, mount -o sync and their like promise is there at once.
# Arguments: cuts (4; 200 when LONG), first seed (1).
. kernel/test/cases/lib.sh

cuts=${1:-${LONG:+200}}
cuts=${cuts:-4}
seed=${2:-1}
prog=$BUILD/kernel/test/progs/cut_writer
per_log=10          # cuts made from one record
pid=                # of the guest that is to be killed, while it runs
at_end='[ -z "$pid" ] || kill -KILL -$pid'

# fresh: $tmp/disk is an empty file system
fresh() {
	rm -f "$tmp/disk"
	truncate -s 32M "$tmp/disk"
	case $((seed % 3)) in
	0) bs=1024 ;;
	1) bs=2048 ;;
	2) bs=4096 ;;
	esac
	mke2fs -F -q -t ext2 -b $bs "$tmp/disk" || fail "mke2fs"
	: >"$tmp/out"
}

# load SECONDS: the command line in the guest
load() {
	echo "mkdir /mnt && mount -t ext2 /dev/sda /mnt &&" \
	    "/t/cut_writer write /mnt $1 $seed && umount /mnt"
}

# found DISK REPORT WHAT: repair it, compare; the disk is changed
found() {
	e2fsck -p "$1" >"$tmp/fsck" 2>&1
	s=$?
	[ $s -le 3 ] || fail "$3: e2fsck -p: $s: $(cat "$tmp/fsck")"
	rm -rf "$tmp/tree"
	mkdir "$tmp/tree"
	debugfs -R "rdump / $tmp/tree" "$1" >/dev/null 2>&1
	"$prog" check "$tmp/tree" "$2" >"$tmp/files" 2>&1 ||
		fail "$3: $(cat "$tmp/files")"
	echo "$3: e2fsck $s, $(cat "$tmp/files") files"
}

# A number below $1, of the seed and $2.
random() {
	echo "$seed $2" | cksum | awk -v n="$1" '{ print $1 % n }'
}

# The emulator is killed at a random moment of the load.
kill_cut() {
	fresh
	setsid $guest --log "$tmp/log" --disk "$tmp/disk" \
		--add "$prog:/t/cut_writer" -- /bin/sh -c "$(load 100)" \
		>"$tmp/out" 2>"$tmp/err" &
	pid=$!
	i=0
	while [ ! -s "$tmp/out" ] && [ $i -lt 600 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	[ -s "$tmp/out" ] || fail "seed $seed: no load: $(cat "$tmp/err")"
	ms=$(random 5000 kill)
	sleep $((ms / 1000)).$(printf %03d $((ms % 1000)))
	kill -KILL -$pid || fail "seed $seed: it has ended by itself"
	wait $pid 2>/dev/null
	pid=
	found "$tmp/disk" "$tmp/out" "kill, seed $seed, $ms ms"
}

# before ENTRY: $tmp/out is what was reported before that entry
before() {
	awk -v last="$1" '$1 <= last { sub(/^[0-9]+ /, ""); print }' \
		"$tmp/stamped" >"$tmp/out"
}

# A load whose writes and flushes are recorded; in $tmp/stamped what was
# reported, and how long the record was then.
record() {
	fresh
	cp --sparse=always "$tmp/disk" "$tmp/base"
	: >"$tmp/writes"
	disk="driver=blklogwrites,file.driver=file,file.filename=$tmp/disk"
	disk="$disk,log.driver=file,log.filename=$tmp/writes"
	rm -f "$tmp/lines"
	mkfifo "$tmp/lines"
	build/tools/replaylog --stamp "$tmp/writes" <"$tmp/lines" \
		>"$tmp/stamped" &
	expect 0 $guest --log "$tmp/log" --disk "$disk" \
		--add "$prog:/t/cut_writer" -- /bin/sh -c "$(load 3)" \
		>"$tmp/lines"
	wait
	before 999999999
	cp --sparse=always "$tmp/base" "$tmp/copy"
	build/tools/replaylog --all "$tmp/writes" "$tmp/copy" >/dev/null
	cmp "$tmp/copy" "$tmp/disk" || fail "seed $seed: the record is not all"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
	found "$tmp/disk" "$tmp/out" "no cut, seed $seed"
}

# The disk as the record says, cut at a random point.
log_cut() {
	cp --sparse=always "$tmp/base" "$tmp/copy"
	at=$(build/tools/replaylog "$tmp/writes" "$tmp/copy" $seed) ||
		fail "seed $seed: replaylog"
	entry=${at#*entry }
	before ${entry%% *}
	found "$tmp/copy" "$tmp/out" "log, seed $seed, $at"
}

# holds LINE: is it so in $tmp/tree and on $tmp/copy?
holds() {
	set -- $1
	f=$tmp/tree/$2
	case $1-$3 in
	gone-) [ ! -e "$f" ] && [ ! -L "$f" ] ;;
	have-dir) [ -d "$f" ] ;;
	have-link) [ "$(readlink "$f")" = text ] ;;
	have-*) [ "$(stat -c %s "$f" 2>/dev/null)" = "$3" ] ;;
	mode-*) debugfs -R "stat /$2" "$tmp/copy" 2>/dev/null |
		grep -q "Mode: *$3 " ;;
	*) false ;;
	esac
}

# holds_at ENTRIES LINE: is LINE true of a disk that was cut there?
holds_at() {
	cp --sparse=always "$tmp/base" "$tmp/copy"
	build/tools/replaylog --until "$1" "$tmp/writes" "$tmp/copy" >/dev/null ||
		fail "replaylog --until"
	e2fsck -p "$tmp/copy" >"$tmp/fsck" 2>&1
	[ $? -le 3 ] || fail "after '$2': $(cat "$tmp/fsck")"
	rm -rf "$tmp/tree"
	mkdir "$tmp/tree"
	debugfs -R "rdump / $tmp/tree" "$tmp/copy" >/dev/null 2>&1
	holds "$2"
}

# Each line is true of the disk as it was durable when the line was said.
sync_cuts() {
	rm -f "$tmp/disk" "$tmp/lines"
	mkdir "$tmp/folder" "$tmp/folder/flagged"
	mke2fs -F -q -t ext2 -b 1024 -d "$tmp/folder" "$tmp/disk" 4M
	debugfs -w -R "set_inode_field /flagged flags 0x8" "$tmp/disk" \
		2>/dev/null
	cp --sparse=always "$tmp/disk" "$tmp/base"
	: >"$tmp/writes"
	disk="driver=blklogwrites,file.driver=file,file.filename=$tmp/disk"
	disk="$disk,log.driver=file,log.filename=$tmp/writes"
	mkfifo "$tmp/lines"
	build/tools/replaylog --stamp "$tmp/writes" <"$tmp/lines" \
		>"$tmp/stamped" &
	expect 0 $guest --log "$tmp/log" --disk "$disk" \
		--add "$BUILD/kernel/test/progs/sync_means_durable:/t/" -- \
		/bin/sh -c 'mkdir /mnt && \
		exec /t/sync_means_durable /dev/sda ext2 /mnt' >"$tmp/lines"
	wait
	lines=0 before=0
	while read -r entries line; do
		at=$entries
		# A stamp may come late, with what followed: is it true of a cut since
		# the line before?
		until holds_at "$at" "$line"; do
			at=$((at - 1))
			[ $at -gt "$before" ] || {
				fail "not durable: $line (entry $entries)"
				break
			}
		done
		before=$entries
		lines=$((lines + 1))
	done <"$tmp/stamped"
	[ $lines -gt 30 ] || fail "$lines lines: $(cat "$tmp/stamped")"
	echo "$lines lines of what is durable"
}

sync_cuts
n=0
while [ $n -lt $((cuts / 2)) ]; do
	kill_cut
	[ $((n % per_log)) != 0 ] || record
	log_cut
	n=$((n + 1))
	seed=$((seed + 1))
done
echo "$((2 * n)) cuts, $failures failures"
finish
