#!/bin/sh
# NEEDS: TIMEOUT=300 MORE=all KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Pages of files and memory: a file larger than memory is read, dirtied,
# scanned beside a program that needs its pages.
. kernel/test/cases/lib.sh

progs=$BUILD/kernel/test/progs
mkdir "$tmp/files"
expect 0 "$progs/a06_evicted_file" make "$tmp/files/words"
truncate -s 384M "$tmp/disk"
mke2fs -F -q -t ext2 -b 4096 -d "$tmp/files" "$tmp/disk"
cat >"$tmp/script" <<'END'
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
for p in $1; do
	case $p in
	memory_never_freezes) /t/$p files=/mnt || exit 2 ;;
	*) /t/$p /mnt/words || exit 2 ;;
	esac
done
umount /mnt
END

# run CPUS PROGRAM…
run() {
	n=$1
	shift
	add=
	for p in "$@"; do
		add="$add --add $progs/$p:/t/"
	done
	expect 0 $guest \
		--memory 64M --swap 256M --cpus "$n" --log "$tmp/log" \
		--disk "$tmp/disk" $add --add "$tmp/script:/script" -- \
		/bin/sh /script "$*" >"$tmp/out" 2>&1
	cat "$tmp/out"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
}

run 1 a06_evicted_file
# Minutes: the trace is long enough to have hard faults alone.
[ -z "$LONG" ] || run 2 scan_spares_others
run 4 memory_never_freezes
finish
