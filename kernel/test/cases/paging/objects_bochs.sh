#!/bin/sh
# NEEDS: TIMEOUT=240 TURN=3 KIND=bounded
# BOUNDED: Bochs runs beside the clock of the host
# Files and objects in Bochs: the sums of a large file, the views of one file,
# blocks that are read once, objects that grow.  Small; in make check-long a
# tenth of what QEMU does.
. kernel/test/cases/lib.sh

progs=$BUILD/kernel/test/progs
kib=512 steps=200 cached=256K part=1000 sparse=10
[ -z "$LONG" ] || kib=6554 steps=2000 cached=1600K part=10 sparse=100
cat >"$tmp/script" <<END
reads() { sed -n 's/^io.reads //p' /proc/vm/events; }
took() { echo "\$1 \$(cut -d " " -f 1 /proc/uptime)" >&2; }
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
dd if=/dev/urandom of=/mnt/large bs=1k count=$kib 2>/dev/null || exit 2
sha256sum </mnt/large
umount /mnt && mount -t ext2 /dev/sda /mnt || exit 3
sha256sum </mnt/large
took large
/t/a05_file_cache /mnt/file || exit 4
# The writer of old pages may read the super block again: it has no work now.
cat /mnt/file >/dev/null
sync
before=\$(reads)
cat /mnt/file >/dev/null || exit 5
[ "\$(reads)" = "\$before" ] || exit 6
took cached
/t/file_views_agree /tmp $steps || exit 7
/t/file_views_agree /mnt $steps || exit 8
took views
/t/a11_growth $part || exit 9
/t/a08_sparse_memfd $sparse || exit 10
took growth
END

mkdir "$tmp/files"
head -c $cached /dev/urandom >"$tmp/files/file"
for cpus in 1 ${LONG:+2}; do
	rm -f "$tmp/disk"
	truncate -s 16M "$tmp/disk"
	mke2fs -F -q -t ext2 -d "$tmp/files" "$tmp/disk"
	expect 0 $guest --emulator bochs --cpus $cpus --memory 64M \
		--log "$tmp/log" --disk "$tmp/disk" \
		--add "$progs/file_views_agree:/t/" \
		--add "$progs/a05_file_cache:/t/" \
		--add "$progs/a08_sparse_memfd:/t/" \
		--add "$progs/a11_growth:/t/" \
		--add "$tmp/script:/script" -- /bin/sh /script >"$tmp/out"
	grep -q 'sda: DMA' "$tmp/log" || fail "$cpus: no DMA"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
	debugfs -R "dump /large $tmp/large" "$tmp/disk" 2>/dev/null
	same $((kib << 10)) "$(stat -c %s "$tmp/large")" "$cpus: size"
	sum=$(sha256sum <"$tmp/large")
	printf '%s\n' "$sum" "$sum" >"$tmp/want"
	cmp "$tmp/want" "$tmp/out" || fail "$cpus: sums: $(cat "$tmp/out")"
done
finish
