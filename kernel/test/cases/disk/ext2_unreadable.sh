#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# A disk with a sector that cannot be read beside what a mount needs: it is mounted,
# read-only, and the rest of it read; the log says so.  Without what it needs there is
# no mount, and the log says why.
. kernel/test/cases/lib.sh

mkdir -p "$tmp/files/dir"
head -c 50000 /dev/urandom >"$tmp/files/file"
cp "$tmp/files/file" "$tmp/files/dir/other"
cat >"$tmp/script" <<'END2'
mkdir /mnt && mount -t ext2 /dev/vda /mnt || exit 9
cmp /mnt/file /file && cmp /mnt/dir/other /file || exit 2
grep '/mnt ext2 ro' /proc/mounts >/dev/null || exit 3
touch /mnt/new 2>/dev/null && exit 4
umount /mnt || exit 5
END2

# block size, block, sector of it, status, word of the log
try() {
	rm -f "$tmp/disk"
	truncate -s 4M "$tmp/disk"
	mke2fs -F -q -t ext2 -b $1 -O ^resize_inode -d "$tmp/files" "$tmp/disk"
	expect $4 $guest --log "$tmp/log" --disk "virtio:driver=raw,\
file.driver=blkdebug,file.image.driver=file,file.image.filename=$tmp/disk,\
file.inject-error.0.event=read_aio,\
file.inject-error.0.sector=$(($2 * $1 / 512 + $3)),\
file.inject-error.0.errno=5" --add "$tmp/script:/script" \
		--add "$tmp/files/file:/file" -- /bin/sh /script
	grep -q "ext2: vda: $5" "$tmp/log" || fail "$1, block $2: no '$5'"
	expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
}

block() {
	dumpe2fs "$tmp/disk" 2>/dev/null | sed -n "s/.*$1 at \([0-9]*\).*/\1/p" |
		head -n 1
}

truncate -s 4M "$tmp/disk"
mke2fs -F -q -t ext2 -b 1024 -O ^resize_inode -d "$tmp/files" "$tmp/disk"
bitmap=$(block 'Block bitmap')
inodes=$(block 'Inode bitmap')
table=$(block 'Inode table')
try 1024 $inodes 0 0 'mounted read-only'
try 1024 $bitmap 1 0 'mounted read-only'
try 1024 $((table + 1)) 0 0 'mounted read-only'
try 1024 $table 0 9 "not mounted: the root's inode"
try 1024 1 0 9 'not mounted: the superblock'
try 1024 2 0 9 'not mounted: the group descriptors'
rm -f "$tmp/disk"
truncate -s 4M "$tmp/disk"
mke2fs -F -q -t ext2 -b 4096 -d "$tmp/files" "$tmp/disk"
try 4096 $(block 'Inode table') 7 0 'mounted read-only'
finish
