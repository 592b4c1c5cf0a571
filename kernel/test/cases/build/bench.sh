#!/bin/sh
# NEEDS: TIMEOUT=120 SHORT=1 KIND=exact
# Ten operations cost what tools/bench/figures/baseline.tab says, to 5 %; two boots say the
# same to the digit; a figure that is off fails, and says which; the functions of a
# profile add up to its figure.
. kernel/test/cases/lib.sh
built bench-tools build/bench/count.so

expect 0 sh tools/bench/run -b "$BUILD" -c >"$tmp/out"
same "bench: 11 rows within 5 % of baseline.tab" "$(cat "$tmp/out")" "bench-check"
cp "$BUILD/bench/check.figures" "$tmp/first"
if in_full; then
	expect 0 sh tools/bench/run -b "$BUILD" -c >"$tmp/out"
	cmp "$tmp/first" "$BUILD/bench/check.figures" || fail "two boots differ"
fi
awk 'NR == FNR { base[$1] = $3 } NR != FNR { if ($1 == "zero-fill") $3 = base[$1] * 1.06; print }' \
	tools/bench/figures/baseline.tab "$tmp/first" >"$tmp/off"
expect 1 awk -f tools/bench/check.awk "$tmp/off" tools/bench/figures/baseline.tab >"$tmp/out"
grep -q '^bench: zero-fill is .* of baseline.tab' "$tmp/out" ||
	fail "6 % more: $(cat "$tmp/out")"
in_full || finish
expect 0 sh tools/bench/run -b "$BUILD" -p zero-page >"$tmp/out"
grep -q 'zero-page: [0-9.]* instructions a page, mean of 2048' "$tmp/out" &&
	grep -q ' vm_fault (vm/' "$tmp/out" || fail "profile: $(cat "$tmp/out")"
finish
