#!/bin/sh
# NEEDS: TIMEOUT=1000 MORE=all KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# A fork bomb of a shell ends in errors; the other shell lives and ends it.
. kernel/test/cases/lib.sh

# A shell that cannot fork is at its end: while the bomb runs this one waits by
# reading, and afterwards until the dead are gone.  It may take long on a busy
# host, so what ends it is the time of its own processors.
ulimit -t 200
out=$($GUEST --kernel $BUILD/vadose.elf --timeout 900 --cpus 2 --memory 48M -- sh -c '
	mkfifo /tmp/never && exec 3<>/tmp/never
	( b() { b & b & wait; }; b ) 2>/tmp/errors &
	read -r -t 4 x <&3
	kill -9 -1
	echo alive
	while read -r a b c n x </proc/loadavg && [ ${n#*/} -gt 15 ]; do
		read -r -t 1 x <&3
	done
	ls / | grep -c "^bin$"
	grep -q "an.t fork" /tmp/errors && echo refused' 2>"$tmp/err")
same 0 $? "status"
same "alive
1
refused" "$out" "output"

# With a limit of processes, as another user; in all of a large memory it would
# take minutes.
prog=$BUILD/kernel/test/progs/fork_bomb_ends_in_an_errno
out=$($GUEST --kernel $BUILD/vadose.elf --timeout 900 --cpus 2 --memory 64M \
	--add "$prog:/t/bomb" -- sh -c '/t/bomb; echo $?; echo alive')
same "0
alive" "$out" "fork_bomb_ends_in_an_errno"
finish
