#!/bin/sh
# NEEDS: TIMEOUT=300 MORE=all TURN=1,2 KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# A failed test names the first event that a good kernel would not have, and
# compare shows where two kernels part, or that they do not.
. kernel/test/cases/lib.sh
built grader
GRADE_LABS=grading/test/labs
export GRADE_LABS
grade=build/grading/grade

# Two parts of a range are made, and nobody is told: the event is missing.
sed 's/EVENT(vad_split, v->start, v->end, v->flags, v->off);/;/' \
	kernel/vm/map/vad.c >"$tmp/bug.c"
expect 1 $grade run smoke --quiet --seed 7 --submission "$tmp/bug.c" --test t02 >"$tmp/text"
grep -q '^  first bad event  at [0-9.]* ms  pid 1  ' "$tmp/text" || fail "run: $(cat "$tmp/text")"
grep -q '^    the reference  at [0-9.]* ms  pid 1  vad.split start=' "$tmp/text" ||
	fail "run: $(cat "$tmp/text")"

mkdir "$tmp/traces"
$grade compare smoke t02 --seed 7 --submission "$tmp/bug.c" --out "$tmp/traces" >"$tmp/text"
build/tools/vtr diff -l "$tmp/traces/yours.vtr" "$tmp/traces/reference.vtr" >"$tmp/diff"
same 1 $? "status of diff"
grep -q '^  B .* vad.split start=' "$tmp/diff" || fail "diff: $(cat "$tmp/diff")"
grep -q '^  vad.split  *0  *1$' "$tmp/text" || fail "compare: $(cat "$tmp/text")"
grep -q '^    the reference  .*vad.split' "$tmp/text" || fail "compare: $(cat "$tmp/text")"

# The same code in another file, built again: the same story to the last event.
expect 0 $grade compare smoke t02 --seed 7 --submission kernel/vm/map/vad.c >"$tmp/text"
grep -q '^events     the same$' "$tmp/text" || fail "same: $(cat "$tmp/text")"
# Where nothing could be compared nothing is the same.
expect 3 $grade compare smoke t02 --seed 7 --submission kernel/vm/map/vad.c \
	--out "$tmp/none" >"$tmp/text"
grep -q '^events     could not be compared: .*No such file' "$tmp/text" || fail "no traces: $(cat "$tmp/text")"
finish
