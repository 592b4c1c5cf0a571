#!/bin/sh
# NEEDS: TIMEOUT=400 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Entry pages of forked objects paged out eagerly (FI_EVICT_ENTRY), with what they
# describe (FI_TRIM, FI_RECLAIM): the transcripts of fork stay right, and entries
# really went and came.  What swap a process is told to use stays right, too.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
for point in FI_TRIM:1:4 FI_RECLAIM:1:1 FI_EVICT_ENTRY:1:5; do
	echo $point >/proc/vm/inject || exit 2
done
/t/prog >/tmp/seen || exit 3
echo off >/proc/vm/inject
cmp /tmp/seen /t/expected || exit 4
# What was read from swap.
waits=$(sed -n 's/^kpaged.pinwait \([0-9]*\)$/\1/p' /proc/vm/events)
[ "$waits" -gt 20 ] || { echo "$waits waits"; exit 5; }
echo 2 >/proc/vm/check || exit 6
END

# run CPUS PROGRAM
run() {
	expect 0 $guest --cpus "$1" --memory 64M --swap 64M \
		--add "$BUILD/kernel/test/progs/$2:/t/prog" --add "kernel/test/progs/conform/$2.expected:/t/expected" \
		--add "$tmp/script:/t/script" -- /bin/sh /t/script
}

run 4 t02_fork_cow
in_full || finish
run 1 t02_fork_cow
run 2 t02_fork_cow
expect 0 $guest --cpus 4 --memory 64M --swap 128M \
	--append inject=FI_EVICT_ENTRY:1:1 \
	--add "$BUILD/kernel/test/progs/advice_and_swap:/t/prog" -- /t/prog
finish
