#!/bin/sh
# NEEDS: TIMEOUT=200 KIND=exact
# What tracing costs, in instructions of a fault: the ring 8 % at most; with the
# host looking on, which wants each change of a page too, as much again.
. kernel/test/cases/lib.sh

price() {
	out=$1
	shift
	expect 0 $guest --icount --cpus 1 --memory 64M \
		--add $BUILD/kernel/test/progs/fault_price:/t/ "$@" -- /t/fault_price print >"$tmp/$out"
}
price off --append 'idlezero=0 trace=off'
price ring --append idlezero=0
price host --append idlezero=0 --trace "$tmp/trace"
for what in zerofill fork_copy; do
	set -- $(awk -v w=$what '$1 == w { print $2 }' "$tmp/off" "$tmp/ring" "$tmp/host")
	echo "$what: without $1, ring $2, to the host $3"
	[ $# = 3 ] && [ $((100 * $2)) -le $((108 * $1)) ] || fail "ring: $*"
	[ $((100 * $3)) -le $((200 * $1)) ] || fail "host: $*"
done
finish
