#!/bin/sh
# NEEDS: TIMEOUT=300
# Sessions 01 and 10 in Bochs: all that they expect holds.  The one without a
# terminal, the other at one, where somebody looks around.  make check-sessions
# plays all, and with planted bugs.  In gdb 10 holds as well.
. kernel/test/cases/lib.sh

mkdir -p "$BUILD/book"
for c in ch01-first ch10-fork; do
	[ "$BUILD/book/$c" -nt "book/runs/$c.c" ] ||
		musl-gcc -static -O2 -Ibook/runs "book/runs/$c.c" -o "$BUILD/book/$c" || exit 2
done
expect 0 tools/sessions play "$BUILD" 01
if command -v gdb >/dev/null; then
	expect 0 timeout 200 build/tools/bstep --via gdb --batch --kernel "$BUILD/vadose.elf" \
		book/sessions/bochs/10-cow.step >"$tmp/out" 2>"$tmp/err"
	same 9 "$(grep -c '^  holds' "$tmp/out")" "what holds in gdb"
fi
# At the first prompt: commands of ours, of Bochs, and wrong ones; then on.
printf '%s\n' '' '' 'let x = 6 * 7' 'brake' 'walk' 'print-stack 1' c q |
	timeout 200 script -qec "build/tools/bstep --kernel $BUILD/vadose.elf book/sessions/bochs/10-cow.step" /dev/null >"$tmp/seen" 2>&1
tr -d '\r' <"$tmp/seen" >"$tmp/out"
for line in '  x = 0x2a$' 'usage: walk ADDRESS' 'STACK 0xffff' '^  fmo_deref, [0-9]* instructions later' \
	'^say     One store' '\[a command, q: end\]'; do
	grep -q -e "$line" "$tmp/out" || fail "at the terminal, '$line' is not in: $(tail -n 12 "$tmp/out")"
done
grep -q 'does not hold' "$tmp/out" && fail "$(grep -A 3 'does not hold' "$tmp/out")"
same 9 "$(grep -c '^  holds' "$tmp/out")" "what holds of session 10"
finish
