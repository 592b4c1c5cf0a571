#!/bin/sh
# NEEDS: TIMEOUT=100 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: machines of several CPUs; a limit of time
# The command's status and output are the tool's, on every size of machine.
. kernel/test/cases/lib.sh

sum() {
	out=$($guest "$@" -- /bin/busybox sh -c 'echo $((6*7)); exit 3' 2>"$tmp/err")
	same 3 $? "status with $*"
	same 42 "$out" "output with $*"
	[ ! -s "$tmp/err" ] || fail "standard error with $*: $(cat "$tmp/err")"
}
cpus='1 4 16'
! in_full || cpus='1 2 4 8 16'
for n in $cpus; do
	sum --cpus $n
done
sum --cpus 1 --memory 24M
! in_full || sum --cpus 2 --memory 32M
sum --memory 64G
sum --icount

expect 0 $guest -- true
expect 139 $guest -- sh -c 'kill -SEGV $$'
expect 137 $guest -- sh -c 'kill -KILL $$'
expect 127 $guest -- no-such-command 2>/dev/null
expect 126 $guest -- /etc/passwd 2>/dev/null
expect 124 $guest --timeout 3 -- sleep 1000 2>/dev/null
finish
