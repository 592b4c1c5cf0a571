#!/bin/sh
# NEEDS: TIMEOUT=900 SHORT=1 TURN=6 KIND=exact
# The programs of make compare-designs answer the same under each design, and cost what
# tools/compare-designs/claims.tab says; a byte that differs, an answer that is not there,
# a copy too many and a counter of another design each fail, and say which.  In make
# check: three programs, and smaller; otherwise all, for a commit that moves what the book
# quotes is told so itself, and not a later one.
. kernel/test/cases/lib.sh
built compare-programs

run="sh tools/compare-designs/run"
small=
in_full || small=-s
# What the book quotes is of machines that were not smaller.
quoted=
[ -n "$small" ] || quoted="-r book/runs/designs.counters"
expect 0 $run -b "$BUILD" -o "$tmp/run" -j 2 $small $quoted >"$tmp/out" 2>"$tmp/err"
[ $failures = 0 ] || cat "$tmp/err"
for word in '^fork .* fmo ' '^ *uvm ' '^where fmo loses'; do
	grep -q "$word" "$tmp/out" || fail "the table has no $word: $(cat "$tmp/out")"
done
grep -q 'prefers-color-scheme:dark' "$tmp/run/index.html" || fail "the page"

# What the book quotes is not far from it; and a number that is, is said.
if [ -z "$small" ]; then
	sed 's/^\(fork-fmo instructions \)/\19/' book/runs/designs.counters >"$tmp/far"
	expect 1 $run -b "$BUILD" -o "$tmp/run" -k -r "$tmp/far" fork >/dev/null 2>"$tmp/said"
	grep -q '^compare-designs: fork-fmo instructions is .* recorded 9' "$tmp/said" || fail "$(cat "$tmp/said")"
fi

# plant WHAT SAYS: judged with a change that the caller has made; as it was afterwards.
plant() {
	expect 1 $run -b "$BUILD" -o "$tmp/planted" -k $small >"$tmp/out" 2>&1
	grep -q "$2" "$tmp/out" || fail "$1: $(cat "$tmp/out")"
	rm -r "$tmp/planted"
}

cp -r "$tmp/run" "$tmp/planted"
sed -i 's/came/Came/' "$tmp/planted/swapped.uvm.answer"
plant "a byte" 'swapped: uvm answers otherwise'
cp -r "$tmp/run" "$tmp/planted"
rm "$tmp/planted/fork.eager.answer"
plant "no answer" 'fork under eager has no answer'
cp -r "$tmp/run" "$tmp/planted"
sed -i 's/^\(bill: page.copy .* \)0$/\11/' "$tmp/planted/fork.uvm.bill"
plant "a copy" 'fork under uvm: a fork copies no page?'
cp -r "$tmp/run" "$tmp/planted"
echo 'bill: fmo.live 1 0 0' >>"$tmp/planted/swapped.uvm.bill"
plant "a counter" 'swapped under uvm: fmo.live of design fmo is 1'
cp -r "$tmp/run" "$tmp/planted"
expect 0 $run -b "$BUILD" -o "$tmp/planted" -k $small >"$tmp/out" 2>&1
finish
