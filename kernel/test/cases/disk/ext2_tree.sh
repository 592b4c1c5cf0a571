#!/bin/sh
# NEEDS: TIMEOUT=300 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# tar x, cp -a, diff -r and rm -rf of a tree: the same as on the host, and
# every block is free afterwards.  300 files and 10 MiB; in make check-long
# 3,000 and 100.  The archive is a second disk: in memory it had no room.
. kernel/test/cases/lib.sh

files=${LONG:+3000}
files=${files:-300}
mkdir -p "$tmp/host" && cd "$tmp/host" || exit 1
awk -v n=$files 'BEGIN {
	for (i = 0; i < n; i++) {
		d = sprintf("tree/d%d/e%d", i % 17, i % 5)
		printf "mkdir -p %s; head -c %d /dev/urandom >%s/f%d\n", d,
		    i * 7919 % 70000, d, i
		if (i % 10 == 0)
			printf "ln -s f%d %s/s%d; ln %s/f%d %s/h%d\n", i, d, i,
			    d, i, d, i
		if (i % 7 == 0)
			printf "chmod %o %s/f%d\n", 256 + i % 256, d, i
	}
}' | sh
tar cf "$tmp/tree.tar" --owner=0 --group=0 tree
find tree -type f | sort | xargs sha256sum >"$tmp/want"
find tree | sort | xargs stat -c '%n %A %h' | sed 's/ \(d.*\) .*/ \1/' \
	>>"$tmp/want"
cd - >/dev/null || exit 1

cat >"$tmp/script" <<'END'
blocks() { stat -f -c '%f %d' /mnt; }
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
blocks >/free
cd /mnt && tar xf /dev/sdb || exit 2
find tree -type f | sort | xargs sha256sum
find tree | sort | xargs stat -c '%n %A %h' | sed 's/ \(d.*\) .*/ \1/'
cp -a tree copy && diff -r tree copy || exit 3
rm -rf tree copy || exit 4
cd / && umount /mnt && mount -t ext2 /dev/sda /mnt || exit 5
blocks | cmp - /free || exit 6
END

truncate -s $((files / 10 + 20))M "$tmp/disk"
mke2fs -F -q -t ext2 -b 4096 -N $((files * 4)) "$tmp/disk"
expect 0 $guest --log "$tmp/log" --disk "$tmp/disk" \
	--disk "$tmp/tree.tar" --add "$tmp/script:/script" \
	-- /bin/sh /script >"$tmp/out"
cmp "$tmp/want" "$tmp/out" || fail "the tree is not that of the host"
expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
finish
