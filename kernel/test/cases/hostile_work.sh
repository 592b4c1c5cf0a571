#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 KIND=bounded
# BOUNDED: its swap is a file of the host's
# No work of an ordinary user stops the machine, or makes root wait: 45 kinds, in a
# machine that does 125 million instructions a second.
. kernel/test/cases/lib.sh
name=nobody_stops_the_machine
built build/kernel/test/progs/$name

goes_on() { # goes_on CPUS KIND…
	cpus=$1
	shift
	$guest --icount=3 --cpus "$cpus" --memory 256M --swap 128M \
		--add build/kernel/test/progs/$name:/t/$name -- /t/$name "$@" >"$tmp/out" 2>&1 ||
		fail "$(tail -n 40 "$tmp/out" | cut -c1-90)"
	grep -q 'gap.*wait' "$tmp/out" || fail "not measured: $(cat "$tmp/out")"
}
# Of locks the waiters are many: that shows with a second processor.
goes_on 2 locks
if in_full; then
	goes_on 1
else
	goes_on 1 exit truncate futexes busy convoy
fi
finish
