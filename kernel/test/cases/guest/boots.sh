#!/bin/sh
# NEEDS: TIMEOUT=120 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: the host is busy, which is what it is about
# Boots on 4 CPUs in a row, the host busy: none hangs, none panics.
. kernel/test/cases/lib.sh

n=10
[ -z "$LONG" ] || n=50
in_full || n=3
(while :; do :; done) & load1=$!
(while :; do :; done) & load2=$!
at_end='kill $load1 $load2'
for i in $(seq $n); do
	expect 0 $guest --cpus 4 --log "$tmp/log.$i" -- true
done
finish
