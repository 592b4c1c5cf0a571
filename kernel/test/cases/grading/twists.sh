#!/bin/sh
# NEEDS: TIMEOUT=900 SHORT=1 TURN=6 SUBJECT=grader KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# A twisted lab: our answer is right, the public reference is not, planted bugs are found.  One of
# four for each commit and a seed of its own; in make check of its new test alone, in check-more the
# whole lab, in check-long all four.
. kernel/test/cases/lib.sh
built grader
seed=$(of_commit 1000)
set -- grading/twists/[0-9]*-*
[ -n "$LONG" ] || {
	shift $((seed % $#))
	set -- "$1"
}
quick=''
in_full || quick=-q
# shellcheck disable=SC2086
sh grading/twists/check $quick "$seed" "$@" >"$tmp/said" || fail "$(cat "$tmp/said")"
# The same seed gives the same, another one other numbers in the end.
for n in 1 1 2 3 4 5 6; do
	rm -rf "$tmp/t"
	sh grading/twists/make 07-group $n "$tmp/t" && cat "$tmp/t/numbers" >>"$tmp/numbers"
done
[ "$(sed -n 1p "$tmp/numbers")" = "$(sed -n 2p "$tmp/numbers")" ] || fail "one seed, two labs"
[ "$(sort -u "$tmp/numbers" | wc -l)" -gt 2 ] || fail "six seeds: $(cat "$tmp/numbers")"
expect 64 sh grading/twists/make 07-none 1 "$tmp/x"
finish
