#!/bin/sh
# NEEDS: TIMEOUT=100 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# A wrong access ends the program with the right signal; the kernel lives.
. kernel/test/cases/lib.sh

prog=$BUILD/kernel/test/progs/wild
run() {
	expect "$1" $guest --cpus 1 --memory 32M --add "$prog:/t/wild" -- \
		/t/wild "$2" 2>"$tmp/err"
	grep -qi panic "$tmp/err" && fail "$2: $(cat "$tmp/err")"
}
run 139 null
run 139 kernel
run 139 noncanonical
run 139 execdata
run 139 writetext
run 139 hlt
run 132 ud2
run 133 int3
run 136 div
run 139 stack
run 134 abort

# All of them in one boot, the shell goes on.
out=$($guest --cpus 2 --add "$prog:/t/wild" -- sh -c '
	for w in null kernel noncanonical execdata writetext jumpkernel \
	    hlt ud2 int3 div stack badrsp abort; do
		/t/wild $w
		echo $w $?
	done' 2>/dev/null)
same "null 139
kernel 139
noncanonical 139
execdata 139
writetext 139
jumpkernel 139
hlt 139
ud2 132
int3 133
div 136
stack 139
badrsp 139
abort 134" "$out" "all in one boot"
finish
