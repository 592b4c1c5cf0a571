#!/bin/sh
# NEEDS: TIMEOUT=300
# As ext2_power.sh, on a disk that loses a random part of what was written
# after the last flush: rebuilt from QEMU's record of writes and flushes.
# 3 times; in make check-long 100.
. kernel/test/cases/lib.sh

cuts=${LONG:+100}
cuts=${cuts:-3}
cat >"$tmp/script" <<'END'
mkdir /mnt && mount -t ext2 /dev/sda /mnt && exec /t/power_load /mnt
END

# one CUT: run, cut, rebuild, repair, compare
one() {
	rm -f "$tmp/disk" "$tmp/writes"
	truncate -s 128M "$tmp/disk"
	truncate -s 1G "$tmp/writes"
	mke2fs -F -q -t ext2 -b $((1024 << $1 % 3)) "$tmp/disk"
	cp --sparse=always "$tmp/disk" "$tmp/rebuilt"
	: >"$tmp/out"
	# A session of its own: the emulator dies with its group.
	setsid $guest --log "$tmp/log" --stdin /dev/null \
		--disk "driver=blklogwrites,file.driver=file,\
file.filename=$tmp/disk,log.driver=file,log.filename=$tmp/writes" \
		--add "$BUILD/kernel/test/progs/power_load:/t/" \
		--add "$tmp/script:/script" -- /bin/sh /script \
		>"$tmp/out" 2>"$tmp/err" &
	pid=$!
	until [ -s "$tmp/out" ] || ! kill -0 $pid 2>/dev/null; do
		sleep 0.1
	done
	sleep "$(awk -v s="$1$$" 'BEGIN { srand(s); print 2 * rand() }')"
	/bin/kill -KILL -- -$pid
	wait $pid 2>/dev/null
	told=$(grep -c '^[0-9]*$' "$tmp/out")
	[ "$told" -gt 0 ] || fail "cut $1: nothing written: $(cat "$tmp/err")"
	"$BUILD/kernel/test/progs/power/replay" "$tmp/writes" "$tmp/rebuilt" \
		"$1" >"$tmp/replay" || fail "cut $1: $(cat "$tmp/replay")"
	e2fsck -p "$tmp/rebuilt" >"$tmp/fsck" 2>&1
	[ $? -le 1 ] || fail "cut $1: e2fsck -p: $(cat "$tmp/fsck")"
	compare "$1"
}

compare() {
	mkdir -p "$tmp/got" && rm -rf "$tmp/got/"*
	debugfs -R "rdump / $tmp/got" "$tmp/rebuilt" >"$tmp/rdump" 2>&1
	n=0
	while [ $n -lt "$told" ]; do
		yes "file $n" | head -c $((n * 7919 % 60000 + 1)) |
			cmp -s - "$tmp/got/kept$n" ||
			fail "cut $1: file $n of $told is not whole"
		n=$((n + 1))
	done
}

i=0
while [ $i -lt $cuts ]; do
	one $i
	i=$((i + 1))
done
finish
