#!/bin/sh
# NEEDS: TIMEOUT=100 MORE=all
# A fork bomb of a shell ends in errors; the other shell lives and ends it.
. kernel/test/cases/lib.sh

out=$($guest --cpus 2 --memory 48M -- sh -c '
	( b() { b & b & wait; }; b ) 2>/tmp/errors &
	sleep 4
	kill -9 -1
	echo alive
	i=0
	while [ $i -lt 50 ] && ! ls / >/dev/null 2>&1; do
		i=$((i + 1)); sleep 0.1
	done
	ls / | grep -c "^bin$"
	grep -q "an.t fork" /tmp/errors && echo refused' 2>"$tmp/err")
same 0 $? "status"
same "alive
1
refused" "$out" "output"

# With a limit of processes, as another user.
prog=$BUILD/kernel/test/progs/fork_bomb_ends_in_an_errno
out=$($guest --cpus 2 --add "$prog:/t/bomb" -- sh -c '/t/bomb; echo $?; echo alive')
same "0
alive" "$out" "fork_bomb_ends_in_an_errno"
finish
