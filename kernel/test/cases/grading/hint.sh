#!/bin/sh
# NEEDS: TIMEOUT=200 TURN=3 SUBJECT=grader KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# make hint: the first hint of a step when it is asked for, each further one behind
# a run in which a test of the step failed; what cannot be is said.
. kernel/test/cases/lib.sh
built grader
grade=build/grading/grade
# A lab that nobody else runs at the same time.
mkdir "$tmp/labs"
cp -r grading/test/labs/90-smoke "$tmp/labs/97-hints"
cp -r grading/test/labs/91-ends "$tmp/labs/98-none"
sed -i 's:^\(ID *\)90/:\197/:' "$tmp"/labs/97-hints/tests/*.test
GRADE_LABS=$tmp/labs
export GRADE_LABS
state=build/hints/97-hints
rm -rf "$state"

# ask N WHAT: hints 1 to N come, and none behind them.
ask() {
	$grade hint hints 1 >"$tmp/text" 2>&1 || fail "$2: $(cat "$tmp/text")"
	same "$1" "$(grep -c '^97-hints step 1, hint [1-3] of 3$' "$tmp/text")" "$2"
	for word in first second third; do
		[ "$(grep -c "^The $word\.$" "$tmp/text")" = "$(($1 >= ${n:=1}))" ] ||
			fail "$2: the $word: $(cat "$tmp/text")"
		n=$((n + 1))
	done
	unset n
}
# run STATUS FILE: one test of it, as a learner would.
run() {
	$grade run hints --quiet --submission "$2" --test t02 >"$tmp/out" 2>&1
	same "$1" $? "a run of $2"
}
sed 's/EVENT(vad_split, v->start, v->end, v->flags, v->off);/;/' \
	kernel/vm/map/vad.c >"$tmp/bug.c"
echo 'int vad_find(' >"$tmp/bad.c"

ask 1 "the first"
ask 1 "the first again, without a run"
run 0 kernel/vm/map/vad.c
run 2 "$tmp/bad.c"
ask 1 "behind a run that passed, and a file that does not build"
$grade run hints --quiet --submission "$tmp/bug.c" --test t02 --out "$tmp" >"$tmp/out" 2>&1
ask 1 "behind a run of somebody else's file, as in a class"
run 1 "$tmp/bug.c"
ask 2 "behind a run that failed"
ask 2 "the second again"
grep -q 'make grade LAB=97 STEP=1' "$tmp/text" || fail "how to go on: $(cat "$tmp/text")"
run 1 "$tmp/bug.c"
ask 3 "behind another"
run 1 "$tmp/bug.c"
ask 3 "there is no fourth"
grep -q 'no further hint' "$tmp/text" || fail "the end: $(cat "$tmp/text")"

# What somebody wrote into its memory is not believed, nor does it stop anything.
for junk in '1 99 1' 'a\0b' '-1 -1 -1' '1 0' '' '1000000000000 3 1'; do
	printf '%b\n' "$junk" >"$state"
	ask 1 "memory is '$junk'"
done
rm -f "$state"
mkdir "$state"
ask 1 "it cannot be written"
rmdir "$state"

expect 0 $grade hint --help
refused() {
	want=$1
	shift
	$grade hint "$@" >"$tmp/text" 2>&1
	same 64 $? "hint $*"
	grep -q "$want" "$tmp/text" || fail "hint $*: $(cat "$tmp/text")"
}
refused '^usage: make hint LAB=05 STEP=2'
refused '^usage: make hint LAB=05 STEP=2' hints
refused 'no lab\|smoky' smoky 1
refused 'has the steps 1 to 1, and none that is called 2' hints 2
refused 'none that is called one' hints one
refused 'none that is called 0' hints 0
refused 'has a hint for each test, and none by steps' none 1
unset GRADE_LABS
make -s hint LAB=05 >"$tmp/text" 2>&1 && fail "make hint without STEP"
grep -q '^usage: make hint' "$tmp/text" || fail "make hint: $(cat "$tmp/text")"
make -s hint LAB=05 STEP=12 >"$tmp/text" 2>&1 && fail "make hint STEP=12"
grep -q 'has the steps 1 to 9' "$tmp/text" || fail "make hint STEP=12: $(cat "$tmp/text")"
# Each lab's hints are three of each step.
expect 0 $grade lint
finish
