#!/bin/sh
# NEEDS: TIMEOUT=300 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# All views of one file on a disk agree; eight threads fault in a mapping
# while another cuts and extends the file.  2,000 steps and 2 s; in make
# check-long 20,000 and 60, and the threads also on tmpfs.
. kernel/test/cases/lib.sh

progs=$BUILD/kernel/test/progs
steps=2000 seconds=2 runs='1024:1 4096:4'
in_full || steps=1000 seconds=1 runs=1024:4
if [ -n "$LONG" ]; then
	steps=20000 seconds=60 runs='1024:1 4096:1 1024:4 4096:4'
fi
cat >"$tmp/script" <<END
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
/t/file_views_agree /mnt $steps || exit 2
/t/truncate_against_faults /mnt $seconds || exit 3
${LONG:+/t/truncate_against_faults /tmp $seconds || exit 4}
umount /mnt || exit 5
END

for run in $runs; do
	rm -f "$tmp/disk"
	truncate -s 8M "$tmp/disk"
	mke2fs -F -q -t ext2 -b ${run%:*} "$tmp/disk"
	expect 0 $guest --cpus ${run#*:} --memory 64M --log "$tmp/log" \
		--disk "$tmp/disk" --add "$progs/file_views_agree:/t/" \
		--add "$progs/truncate_against_faults:/t/" \
		--add "$tmp/script:/script" -- /bin/sh /script
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done
finish
