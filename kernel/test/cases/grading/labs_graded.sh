#!/bin/sh
# NEEDS: TIMEOUT=400 SHORT=1 TURN=6 SUBJECT=grader KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# Each lab: our own file passes its first step, the starter gets nothing of it
# and hangs nowhere; mutants, others for each commit, are killed by the tests that name
# them.  In make check one lab and one mutant, for one commit of three, as the grader is
# a minute to build; in check-more, for each, half of the labs and five mutants, in
# check-long all labs and ten.  All of it: make check-teaching.
. kernel/test/cases/lib.sh
built grader
grade=build/grading/grade
expect 0 $grade lint
expect 0 sh grading/mutants/refit -n

# The assertions that the grader explains are in the kernel as it stands.
sed -n '/^} panics\[\] = {/,/^};/s/^\t{ "\([^"]*\)", .*/\1/p' grading/judge/findings.c >"$tmp/asserted"
[ -s "$tmp/asserted" ] || fail "findings.c: no assertion is explained"
while IFS= read -r text; do
	grep -rqF -- "$text" kernel/vm || fail "findings.c explains an assertion that is nowhere: $text"
done <"$tmp/asserted"
draw=$(of_commit 9240)
set -- labs/[0-9]*-*
shift $((draw % $#))
drawn=$1
n=0
for dir in labs/[0-9]*-*; do
	n=$((n + 1))
	[ -n "$LONG" ] || [ "$dir" = "$drawn" ] || { in_full && [ $(((n + draw) % 2)) = 0 ]; } || continue
	lab=${dir#labs/}
	file=kernel/$(awk '$1 == "file" { print $2 }' "$dir/lab.conf")
	$grade run "$lab" --quiet --step 1 --submission "$file" >"$tmp/out" ||
		fail "$lab, reference: $(cat "$tmp/out")"
	$grade run "$lab" --quiet --step 1 >"$tmp/out"
	[ $? = 1 ] || fail "$lab, starter: $(tail -n 5 "$tmp/out")"
	grep -q "^$lab  0/" "$tmp/out" || fail "$lab, starter: $(tail -n 1 "$tmp/out")"
	# What lab 00 asks is not answered where a test fails.
	[ "$lab" != 00-tour ] || $grade run "$lab" --quiet --test t06 >"$tmp/out"
	! grep 'TOUR_.* == [0-9]' "$tmp/out" || fail "$lab: the starter is told an answer"
done

# A mark is one instant: with this seed a thread once had its turn while the counters
# of the first one were copied, and its fault was in the judge's count alone.
if in_full; then
	$grade run 09-pageable --quiet --test t09 --seed 5 \
		--submission kernel/vm/table/ptpage.c >"$tmp/out" ||
		fail "09/t09, seed 5: $(cat "$tmp/out")"
fi

# Some of the mutants; the commit says where in the list to begin.
ls grading/mutants/[0-9]*/*.patch >"$tmp/all"
n=$(wc -l <"$tmp/all")
some=5
in_full || some=1
[ -z "$LONG" ] || some=10
cat "$tmp/all" "$tmp/all" | tail -n +$((draw * 10 % n + 1)) | head -n $some >"$tmp/some"
while read -r patch; do
	m=${patch##*/}
	lab=${patch%/*}
	$grade mutants "${lab##*/}" "${m%.patch}" >"$tmp/out" ||
		fail "$patch: $(cat "$tmp/out")"
done <"$tmp/some"
finish
