#!/bin/sh
# NEEDS: TIMEOUT=600 LONG=1 KIND=bounded
# BOUNDED: Linux is that of the host
# On each trace the hard faults are at most 1.1 times those of Linux 6.1 in
# the same virtual machine, where a cgroup gives the program as many frames.
# The kernel is Debian's; where it cannot be fetched, this is skipped.
. kernel/test/cases/lib.sh

prog=$BUILD/kernel/test/progs/replacement_is_near_lru
deb=$BUILD/linux
other=180 # frames that the cgroup needs beside those of the region
modules='virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev
virtio/virtio_pci_modern_dev virtio/virtio_pci block/virtio_blk'

if [ ! -e "$deb" ]; then
	mkdir -p "$deb.new"
	name=$(apt-cache search '^linux-image-6\.1\.[-0-9.]*-cloud-amd64-unsigned$' |
		sed 's/ .*//' | sort -V | tail -n 1)
	(cd "$deb.new" && apt-get -qq download "$name" &&
		dpkg-deb -x ./*.deb . && rm ./*.deb) >/dev/null 2>&1 &&
		mv "$deb.new" "$deb"
fi
kernel=$(ls "$deb"/boot/vmlinuz-* 2>/dev/null)
[ -n "$kernel" ] || { echo "no kernel of Debian, skipped"; exit 0; }

# pack FRAMES: an initrd whose init runs each trace with so many frames
pack() {
	root=$tmp/root
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/t"
	cp /bin/busybox "$root/bin"
	cp "$prog" "$root/t/replay"
	for m in $modules; do
		cp "$deb"/lib/modules/*/kernel/drivers/$m.ko "$root/t"
	done
	{
		echo '#!/bin/busybox sh'
		echo '/bin/busybox --install /bin'
		echo 'mount -t proc p /proc; mount -t devtmpfs d /dev'
		echo 'mount -t sysfs s /sys; mount -t cgroup2 c /sys/fs/cgroup'
		for m in $modules; do
			echo "insmod /t/${m#*/}.ko"
		done
		echo 'mkswap /dev/vda >/dev/null; swapon /dev/vda'
		echo 'cd /sys/fs/cgroup; echo +memory >cgroup.subtree_control'
		# Name, pages that the trace was made for, frames it had.
		while read -r trace frames; do
			echo "mkdir $trace"
			echo "echo $(((frames + other) * 4096)) >$trace/memory.max"
			echo "sh -c 'echo \$\$ >$trace/cgroup.procs;
				exec /t/replay $1 $trace'"
		done
		echo 'poweroff -f'
	} >"$root/init"
	chmod 755 "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet) >"$tmp/initrd"
}

# Lines of the program: "NAME FRAMES FAULTS"
numbers() {
	tr -d '\r' | sed -n 's/.*\(^\|[^a-z]\)\([a-z]*\): .* pages, \([0-9]*\) frames: \([0-9]*\) hard.*/\2 \3 \4/p'
}

$guest --memory 64M --swap 256M \
	--cpus 1 --log "$tmp/log" --add "$prog:/t/replay" -- /bin/sh -c '
	/t/replay; grep MemTotal /proc/meminfo' >"$tmp/ours"
total=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' "$tmp/ours")
numbers <"$tmp/ours" >"$tmp/a"
same 4 "$(wc -l <"$tmp/a")" "traces replayed"
cut -d' ' -f1,2 "$tmp/a" | pack $((total / 4))
truncate -s 256M "$tmp/swap"
timeout 900 qemu-system-x86_64 -m 256M -nographic -no-reboot \
	-kernel "$kernel" -initrd "$tmp/initrd" \
	-append "console=ttyS0 quiet panic=-1" \
	-drive "file=$tmp/swap,format=raw,if=virtio,cache=unsafe" \
	</dev/null >"$tmp/theirs" 2>&1
numbers <"$tmp/theirs" >"$tmp/b"
same 4 "$(wc -l <"$tmp/b")" "traces replayed on Linux"
[ $failures = 0 ] || { tail -n 20 "$tmp/theirs"; finish; }
while read -r name frames ours; do
	read -r name2 frames2 theirs <&3
	echo "$name: $ours hard faults of $frames frames," \
	    "Linux $theirs of $frames2"
	same "$name" "$name2" "trace"
	[ "$ours" -le $((theirs * 110 / 100 + 50)) ] ||
		fail "$name: $ours hard faults, Linux $theirs"
done <"$tmp/a" 3<"$tmp/b"
finish
