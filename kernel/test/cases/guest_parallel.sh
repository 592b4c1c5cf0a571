#!/bin/sh
# NEEDS: TIMEOUT=60
# Calls at the same time do not meet; ^C leaves no process and no file.
. kernel/test/cases/lib.sh

for i in 1 2 3 4; do
	$guest -- sh -c "sleep 1; echo $i" >"$tmp/out.$i" 2>&1 &
done
wait
for i in 1 2 3 4; do
	same $i "$(cat "$tmp/out.$i")" "parallel call $i"
done

# The processes whose parent is $1.
children_of() {
	cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*)/x/' | awk -v p="$1" '$4 == p { print $1 }'
}

mkdir "$tmp/t"
for emulator in qemu bochs; do
	TMPDIR=$tmp/t $guest --emulator $emulator --log "$tmp/log" -- sleep 1000 &
	pid=$!
	sleep 3
	children=$(children_of $pid)
	[ -n "$children" ] || fail "$emulator: no child to look for"
	kill -INT $pid
	wait $pid
	same 130 $? "$emulator: status after SIGINT"
	for c in $children; do
		[ ! -d /proc/$c ] || fail "$emulator: process $c is still there"
	done
	same "" "$(ls "$tmp/t")" "$emulator: files left"
done
finish
