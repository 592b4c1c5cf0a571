#!/bin/sh
# NEEDS: TIMEOUT=60 MORE=all KIND=bounded
# BOUNDED: the host is loaded and stopped, which is what it is about
# make check-steady: in each condition all runs, what fails is in the table once for
# each condition, an exact failure fails, and so do too many bounded ones.
. kernel/test/cases/lib.sh
steady=$PWD/kernel/test/steady
export RUN="$PWD/build/tools/run"
house=$tmp/house
mkdir -p "$house/kernel/test/cases" "$house/build"
plant() {
	printf '# NEEDS: KIND=%s\n%s\n' "$2" "$3" >"$house/kernel/test/cases/$1.sh"
}
look() {
	want=$1
	shift
	(cd "$house" && sh "$steady" -n 5 "$@") >"$tmp/text" 2>&1
	same "$want" $? "$*: $(cat "$tmp/text")"
}
says() {
	grep -qe "$1" "$tmp/text" || fail "no '$1' in: $(cat "$tmp/text")"
}
plant good exact true
plant slow bounded 'a=$(date +%s%N); for i in $(seq 45); do b=$(date +%s%N); [ $((b - a)) -lt 700000000 ] || exit 1; a=$b; sleep 0.1; done'
plant polite exact '[ "$(nice)" = 0 ]'
plant lonely bounded 'echo alone; [ "$(nproc)" != 1 ]'

look 0 good
says '^5/5 nice: 1 passed, 0 failed'
says '^exact: 0 of 5 failed; bounded: 0 of 0'
look 1 good polite lonely slow
says '^polite  *exact  *0  *0  *0  *0  *1$'
says '^slow  *bounded  *[01]  *[01]  *1 '
says '^exact: 1 of 10 failed'
[ "$(nproc)" = 1 ] || says '^lonely  *bounded  *0  *0  *0  *1  *0$'
grep -qx alone "$house/build/steady/4.lonely.out" || [ "$(nproc)" = 1 ] || fail "what it left is not kept"
finish
