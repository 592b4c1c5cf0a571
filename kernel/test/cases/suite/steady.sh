#!/bin/sh
# NEEDS: TIMEOUT=60 MORE=all KIND=bounded
# BOUNDED: it starts loads and stops beside itself; what it asks for holds under any
# make check-steady: in each condition all runs, what fails is in the table once for
# each condition, an exact failure fails, and so do too many bounded ones.  Exact ones
# run twice, and must leave the same; what was stopped goes on.
. kernel/test/cases/lib.sh
steady=$PWD/kernel/test/steady
export RUN="$PWD/build/tools/run"
house=$tmp/house
mkdir -p "$house/kernel/test/cases/planted" "$house/build"
plant() {
	printf '# NEEDS: KIND=%s\n%s\n' "$2" "$3" >"$house/kernel/test/cases/planted/$1.sh"
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
# Of the host's time it asks only that a second of standing still is one.
plant halted bounded '[ "$HOST_IS" = stop ] || exit 0
goes_on() { [ $(($(date +%s%N) - a)) -lt 1000000000 ] || exit 1; }
a=$(date +%s%N)
trap goes_on CONT
for i in $(seq 600); do a=$(date +%s%N); sleep 0.1; done'
plant polite bounded '[ "$(nice)" -lt 19 ]'
plant lonely bounded 'echo alone; [ "$(nproc)" != 1 ]'
plant wrong exact 'false'
plant drifts exact 'date +%N'

look 0 good
says '^1/5 idle: 1 passed, 0 failed'
says '^exact: 0 of 2 failed; bounded: 0 of 0'
look 1 good polite lonely halted wrong drifts
says '^polite  *bounded  *0  *0  *0  *0  *1$'
says '^halted  *bounded  *0  *0  *1  *0  *0$'
says '^wrong  *exact  *1  *1  *0  *0  *0$'
says '^drifts  *exact  *0  *1  *0  *0  *0$'
says '^exact: 3 of 6 failed'
[ "$(nproc)" = 1 ] || says '^lonely  *bounded  *0  *0  *0  *1  *0$'
grep -qx alone "$house"/build/steady/*/4.lonely.out || [ "$(nproc)" = 1 ] || fail "what it left is not kept"

# It goes on where it was: only the run that has no answer yet.
first=$(sed -n '/^failures of/,$p' "$tmp/text")
rm "$house"/build/steady/*/5
look 1 good polite lonely halted wrong drifts
same "5/5" "$(sed -n 's/^\([0-9]*\/5\) .*/\1/p' "$tmp/text")" "the runs of the second call"
same "$first" "$(sed -n '/^failures of/,$p' "$tmp/text")" "the table of the second call"
finish
