#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Disks that lie do no harm: no panic, no hang, nothing that cannot be killed.
# Arguments: first seed (0), how many (42; in make check 14; 2000 when LONG).
. kernel/test/cases/lib.sh

first=${1:-0}
count=${2:-${LONG:+2000}}
count=${count:-$(in_full && echo 42 || echo 14)}
[ "$count" -le 42 ] || guest="$GUEST --kernel $BUILD/vadose.elf"

mkdir -p "$tmp/tree/a/b/c" "$tmp/tree/many" "$tmp/tree/empty"
i=0
while [ $i -lt 40 ]; do
	echo "file $i" >"$tmp/tree/many/a-name-of-some-length-$i"
	i=$((i + 1))
done
head -c 40000 /dev/zero >"$tmp/tree/a/mapped"
head -c 400000 /dev/zero >"$tmp/tree/a/b/mapped-twice"
ln "$tmp/tree/a/mapped" "$tmp/tree/a/b/c/other-name"
ln -s short "$tmp/tree/a/link"
ln -s "$(head -c 200 /dev/zero | tr '\0' l)" "$tmp/tree/a/long-link"
mkfifo "$tmp/tree/a/b/fifo"

mke2fs -F -q -t ext2 -b 1024 -g 1024 -N 160 -d "$tmp/tree" "$tmp/a" 3M >"$tmp/mke2fs" 2>&1
mke2fs -F -q -t ext2 -b 1024 -I 128 -N 128 -d "$tmp/tree" "$tmp/b" 2M >"$tmp/mke2fs" 2>&1
mke2fs -F -q -t ext2 -b 4096 -N 128 -d "$tmp/tree" "$tmp/c" 3M >"$tmp/mke2fs" 2>&1
truncate -s 4M "$tmp/scratch"
expect 0 $guest --cpus 4 --memory 64M --log "$tmp/log" \
	--disk "virtio:$tmp/scratch" --disk "virtio:$tmp/a" \
	--disk "virtio:$tmp/b" --disk "virtio:$tmp/c" \
	--add "$BUILD/kernel/test/progs/hostile_disks:/t/" -- \
	/t/hostile_disks /dev/vda "$first" "$count" /dev/vdb /dev/vdc /dev/vdd
[ $failures = 0 ] || tail -n 30 "$tmp/log"
finish
