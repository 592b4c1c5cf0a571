#!/bin/sh
# NEEDS: TIMEOUT=200 MORE=all TURN=1,2 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Failures on demand by boot argument: the kernel counts the hits of a point,
# and one that fails while programs run is an errno, not a panic.  Errors of a
# disk end a file system, and leave nothing of it in memory.
. kernel/test/cases/lib.sh

n=6
[ -z "$LONG" ] || n=60
for point in FI_FRAME FI_SLAB FI_KPAGED FI_COMMIT; do
	hits() {
		$guest --append inject=$point:probe -- sh -c "$1 cat /proc/vm/inject" |
			sed -n 's/.*hits=\([0-9]*\).*/\1/p'
	}
	first=$(hits '')
	last=$(hits 'ls / | wc -l >/tmp/x; (echo a; echo b) | sort >/tmp/y;')
	[ "${first:-0}" -gt 0 ] && [ "${last:-0}" -gt "$first" ] || {
		fail "$point: hits '$first', then '$last'"
		continue
	}
	step=$(((last - first) / n + 1))
	for hit in $(seq $((first + 1)) $step "$last"); do
		$guest --append inject=$point:$hit -- sh -c '
			ls / | wc -l >/tmp/x; (echo a; echo b) | sort >/tmp/y
			echo off >/proc/vm/inject
			echo 2 >/proc/vm/check && exit 0
			exit 99' >"$tmp/out" 2>"$tmp/err"
		status=$?
		# The shell may be what fails; the kernel may not.
		case $status in
		99 | 124 | 125 | 126) fail "$point:$hit: status $status: $(tail -n 3 "$tmp/err")" ;;
		esac
	done
done
expect 0 sh kernel/test/inject -1 -b "$BUILD" -n 20 -p 'FI_FILEIN FI_FILEOUT' \
	t17_msync:disk >"$tmp/out"
same 2 "$(grep -c ' ok  ' "$tmp/out")" "points that were hit and hold"
[ $failures = 0 ] || cat "$tmp/out"

# There is one mark for leaks: a program that makes its own leaves that of the
# harness.
progs=$BUILD/kernel/test/progs
expect 0 $guest --add "$progs/inject_run:/t/inject_run" \
	--add "$progs/churn:/t/churn" -- /t/inject_run FI_KPAGED 2 /t/churn 1:5

# What a program leaves: a mount, and a child that has left its group.
expect 0 $guest --add "$progs/inject_run:/t/inject_run" -- \
	/t/inject_run FI_COMMIT 3 /bin/busybox sh -c '
		mkdir /tmp/m && mount -t tmpfs none /tmp/m && >/tmp/m/file
		setsid sleep 1000 &'
finish
