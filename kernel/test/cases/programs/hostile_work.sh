#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its swap is a file of the host's
# No work of an ordinary user stops the machine, or makes root wait: 55 kinds, in a
# machine of one CPU that does 125 million instructions a second.  One of two does not
# count them: QEMU then lets one CPU run for 240 ms and the other not (18 ticks against
# 64), and whose thread is on that one has a gap that no kernel makes.  There the host
# may make one instead, but not in each of five runs.
. kernel/test/cases/lib.sh
name=nobody_stops_the_machine
built build/kernel/test/progs/$name

machine() { # machine "OPTION…" KIND…
	options=$1
	shift
	$guest $options --memory 256M --swap 128M \
		--add build/kernel/test/progs/$name:/t/$name -- /t/$name "$@" >"$tmp/out" 2>&1
}
judge() { # judge STATUS
	[ "$1" = 0 ] || fail "$(tail -n 40 "$tmp/out" | cut -c1-90)"
	grep -q 'gap.*wait' "$tmp/out" || fail "not measured: $(cat "$tmp/out")"
}
alone() { # alone KIND…: on one CPU
	machine "--icount=3 --cpus 1" "$@"
	judge $?
}
beside() { # beside KIND…: on two
	for i in 1 2 3 4 5; do
		machine "--cpus 2" "$@" && break
	done
	judge $?
}
# Of locks the waiters are many: that shows with a second processor.
beside locks
if in_full; then
	alone
else
	alone exit truncate futexes busy convoy timers_watched herds relay
fi
finish
