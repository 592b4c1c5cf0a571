#!/bin/sh
# NEEDS: TIMEOUT=400 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Everything at once under pressure, with failures: kernel/test/progs/soak.c.
# Seconds from SOAK_SECONDS: 90, in check-long 180, in make check 8; make soak runs
# an hour and shows the report.
# Argument: seed.
. kernel/test/cases/lib.sh

seconds=90
[ -z "$LONG" ] || seconds=180
in_full || seconds=8
seconds=${SOAK_SECONDS:-$seconds}
seed=${1:-1}
truncate -s 128M "$tmp/disk"
mke2fs -F -q -t ext2 -b 4096 "$tmp/disk"
$GUEST --kernel "$BUILD/vadose.elf" --timeout $((3 * seconds + 200)) \
	--memory 48M --swap 512M --cpus 4 --log "$tmp/log" \
	--design "${DESIGN:-fmo}" \
	--disk "$tmp/disk" --add "$BUILD/kernel/test/progs/soak:/t/soak" -- \
	/t/soak "$seed:$seconds" /mnt /dev/sda
same 0 $? "status of soak $seed:$seconds"
[ -z "${SOAK_SECONDS-}" ] ||
	grep -aE '^(worker|[a-z]+\.[a-z_0-9]+) |^ext2: ' "$tmp/log"
[ $failures = 0 ] || tail -n 80 "$tmp/log"
# A commit whose transfer failed ends all writing: then as after a power cut.
why=$(grep -ao '^ext2: sda: .*; read-only' "$tmp/log")
case $why in
'') ;;
'ext2: sda: commit: error 5; read-only')
	e2fsck -fp "$tmp/disk" >"$tmp/fsck" 2>&1
	[ $? -le 1 ] || fail "e2fsck: $(cat "$tmp/fsck")" ;;
*) fail "$why" ;;
esac
expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
finish
