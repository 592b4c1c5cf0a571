#!/bin/sh
# NEEDS: TIMEOUT=300 SHORT=1 TURN=3 KIND=exact
# vmsim finds planted bugs: three, others for each commit, in make check
# the first of them, if it is not one that says that it is slow.
. kernel/test/cases/lib.sh

built build/simfast/vmsim
set -- kernel/test/sim/bugs/*.patch
# shellcheck disable=SC2046
in_full || set -- $(grep -L '^Slow: ' "$@")
first=$(of_commit $#)
ks='0 1 2'
in_full || ks=0
for k in $ks; do
	bug=$(printf '%s\n' "$@" | sed -n "$(((first + k) % $# + 1))p")
	make -s -f Makefile BUILD="$BUILD" CORES=1 BUG="$(basename "$bug" .patch)" \
		vmsim-check >"$tmp/out" 2>&1
	same 0 $? "$(cat "$tmp/out")"
done
finish
