#!/bin/sh
# NEEDS: TIMEOUT=120 KIND=bounded
# BOUNDED: its machine has a disk of the host
# Pages of files that are locked take the place of nobody's promise: who then uses all
# memory that he was promised is not stopped for ever, and nobody beside him.
. kernel/test/cases/lib.sh

truncate -s 40M "$tmp/disk"
mke2fs -F -q -t ext2 "$tmp/disk"
expect 0 $guest --cpus 1 --memory 48M --log "$tmp/log" --disk "$tmp/disk" \
	--add "$BUILD/kernel/test/progs/memory_that_is_gone_comes_back:/p" \
	--add "$BUILD/kernel/test/progs/locked_parts_of_files_are_paid:/q" -- \
	/bin/sh -c "mkdir /mnt && mount -t ext2 /dev/sda /mnt && mkdir /mnt/x &&
		FOLDER=/mnt/x /p fmo after-files private pipes &&
		/q /mnt/x && umount /mnt"
expect 0 e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1
finish
