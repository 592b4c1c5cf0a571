#!/bin/sh
# NEEDS: TIMEOUT=900 SHORT=1 TURN=6 KIND=bounded
# BOUNDED: of each pair as many orders as fit into a time of the host
# Pairs of operations of the memory manager in every order with one preemption,
# then a few random orders under ASan and UBSan.  In make check each pair has a
# tenth of a second for its orders, and none under ASan; in check-more a second, and
# seven orders; in check-long two, and twenty.  All with three: make vmsim.
. kernel/test/cases/lib.sh

each=1 random=7
[ -z "$LONG" ] || { each=2; random=20; }
in_full || each=0.1
pairs=kernel/test/sim/pairs.txt
[ "$(grep -c '^  whole$' $pairs)" -ge 40 ] ||
	fail "fewer than 40 pairs are searched to the end"
built build/simfast/vmsim
build/simfast/vmsim --help 2>&1 | grep -q vmsim || fail "vmsim --help"
build/simfast/vmsim -j 2 -b 1 -t "$each" $pairs >"$tmp/out" 2>&1
same 0 $? "one preemption: $(grep -v ' all \| part ' "$tmp/out")"
in_full || finish
built build/sim/vmsim
build/sim/vmsim -j 2 -b 0 -t 1 -n $random -s "${SEED:-1}" $pairs >"$tmp/out" 2>&1
same 0 $? "under ASan: $(grep -v ' all \| part ' "$tmp/out")"
finish
