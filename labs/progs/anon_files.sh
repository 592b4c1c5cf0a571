# anon_files.sh: 4 MiB written, copied, compared and removed in a file system in memory
cd /tmp || exit 1
/t/busybox dd if=/dev/zero of=a bs=64k count=64 2>/dev/null || exit 1
/t/busybox dd if=/t/busybox of=a bs=4k conv=notrunc 2>/dev/null || exit 1
/t/busybox cp a b && /t/busybox cmp a b || exit 1
[ $(/t/busybox stat -c %s b) -ge 4194304 ] || exit 1
/t/busybox dd if=/dev/zero of=b bs=1 seek=4000000 count=1 conv=notrunc 2>/dev/null
/t/busybox rm a b && echo files done
