#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 TURN=3 KIND=exact
# No work of an ordinary user stops the machine, or makes root wait: 55 kinds, in a
# machine of one CPU that does 125 million instructions a second.  With two no gap is
# told from the host's, which stops one of them; what shows only there, a lock that is
# held for long, is file_locks_stop_nobody's.
. kernel/test/cases/lib.sh
name=nobody_stops_the_machine
built build/kernel/test/progs/$name

kinds="locks exit truncate futexes busy convoy timers_watched herds relay"
! in_full || kinds=
$guest --icount=3 --cpus 1 --memory 256M --swap 128M \
	--add build/kernel/test/progs/$name:/t/$name -- /t/$name $kinds >"$tmp/out" 2>&1 ||
	fail "$(tail -n 40 "$tmp/out" | cut -c1-90)"
grep -q 'gap.*wait' "$tmp/out" || fail "not measured: $(cat "$tmp/out")"
finish
