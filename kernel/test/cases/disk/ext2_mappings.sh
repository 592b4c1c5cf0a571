#!/bin/sh
# NEEDS: TIMEOUT=240 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# The conformance programs about files say the same on a disk as on tmpfs.
. kernel/test/cases/lib.sh

progs="t04_private_file t05_shared_file t07_map_fixed t14_end_of_file
	t15_truncate_storm t22_buffers"
add=
for p in $progs; do
	add="$add --add $BUILD/kernel/test/progs/$p:/t/"
	cat "kernel/test/progs/conform/$p.expected" >>"$tmp/expected"
done
cat >"$tmp/script" <<END
mkdir /mnt && mount -t ext2 /dev/sda /mnt || exit 1
for p in $(echo $progs); do /t/\$p /mnt || exit 2; done
END

sizes='1024 4096' counts='1 4'
in_full || sizes=1024 counts=4
for bs in $sizes; do
	for cpus in $counts; do
		rm -f "$tmp/disk"
		truncate -s 16M "$tmp/disk"
		mke2fs -F -q -t ext2 -b $bs "$tmp/disk"
		expect 0 $guest --cpus $cpus --memory 64M --log "$tmp/log" \
			--disk "$tmp/disk" $add --add "$tmp/script:/script" \
			-- /bin/sh /script >"$tmp/out"
		cmp "$tmp/expected" "$tmp/out" || fail "$bs, $cpus: output"
		expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
	done
done
finish
