#!/bin/sh
# NEEDS: TIMEOUT=60 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# d01: a fault that must begin again finds the same truth: every third pass
# does, while files are cut under their mappings, in memory and on a disk.
. kernel/test/cases/lib.sh

files="t04_private_file t05_shared_file t14_end_of_file t15_truncate_storm"
others="t02_fork_cow t09_mprotect t10_mremap t11_dontneed t18_memfd"
add=
for p in $files $others; do
	add="$add --add $BUILD/kernel/test/progs/$p:/t/"
done
for p in $files $files $others; do
	cat "kernel/test/progs/conform/$p.expected"
done >"$tmp/expected"
cat >"$tmp/script" <<END
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
for p in $files; do /t/\$p /tmp || exit 2; done
for p in $files; do /t/\$p /mnt || exit 3; done
for p in $others; do /t/\$p || exit 4; done
[ "\$(sed -n 's/^fault.restart //p' /proc/vm/events)" -gt 1000 ] || exit 5
echo 2 >/proc/vm/check || exit 6
END

counts='1 4'
in_full || counts=4
for cpus in $counts; do
	rm -f "$tmp/disk"
	truncate -s 16M "$tmp/disk"
	mke2fs -F -q -t ext2 -b 1024 "$tmp/disk"
	expect 0 $guest --cpus $cpus --memory 64M --log "$tmp/log" \
		--append inject=FI_RESTART:1:3 --disk "$tmp/disk" $add \
		--add "$tmp/script:/script" -- /bin/sh /script >"$tmp/out"
	cmp "$tmp/expected" "$tmp/out" || fail "$cpus: output"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
done
finish
