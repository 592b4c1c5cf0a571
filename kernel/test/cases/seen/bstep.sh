#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=exact
# The language of sessions: what it computes, and what it says of wrong lines.
# Nothing boots here.
. kernel/test/cases/lib.sh

bstep="build/tools/bstep --kernel $BUILD/vadose.elf"

# holds EXPR…: true without a machine.
holds() {
	for e; do echo "expect $e"; done >"$tmp/s.step"
	expect 0 $bstep --batch "$tmp/s.step" >"$tmp/out" 2>"$tmp/err"
	[ ! -s "$tmp/err" ] || fail "$(cat "$tmp/err")"
}
holds '1 + 2 * 3 == 7' '7 & 3 == 3' '0x67 & 0x45 == 0x45' '1 << 4 | 3 == 19' \
	'(0xe00 >> 9) & 3 == 3' '5 - 2 - 1 == 2' '~0 >> 63 == 1' '!0 == 1' '-1 == ~0' \
	'6 ^ 3 == 5' '17 % 5 == 2 && 17 / 5 == 3' '0 || 1' '2 < 3 && 3 <= 3 && 4 > 3 && 3 >= 3 && 1 != 2' \
	'"vm_fault" in "vm_fault"' '("vm_fault" + 1) in "vm_fault"' '!("vm_fault" in "ev_mark")' '1 << 64 == 0' \
	'0xffffffffffffffff + 1 == 0'

# A false one is status 1, and both sides are shown; what follows is not done.
printf 'let a = 4\nexpect a * 2 == 9   # no\nexpect a == 5\n' >"$tmp/s.step"
expect 1 $bstep --batch "$tmp/s.step" >"$tmp/out" 2>"$tmp/err"
grep -q 's.step:2: expect a \* 2 == 9: does not hold' "$tmp/err" || fail "the line: $(cat "$tmp/err")"
grep -q 'left   8' "$tmp/err" && grep -q 'right  9' "$tmp/err" || fail "the sides: $(cat "$tmp/err")"
grep -q ':3:' "$tmp/err" && fail "it went on"
printf 'let a = 4\nlet a = a + 1\nexpect $a == 5\nquit\nexpect 0\n' >"$tmp/s.step"
expect 0 $bstep --batch "$tmp/s.step" >"$tmp/out"
grep -q '^  a = 5$' "$tmp/out" || fail "let: $(cat "$tmp/out")"

# One object has one name, until it is to be forgotten.
printf 'let a = 0xffffd00000000000\nlet b = a + 48\nlet c = a\nforget\nlet d = a\nlet e = d\n' >"$tmp/s.step"
expect 0 $bstep --record "$tmp/t.out" "$tmp/s.step"
same "a = K1 b = K2 c = K1 d = K3 e = K3" "$(sed -n 's/^  //p' "$tmp/t.out" | xargs)" "names"

# refused LINE WORDS: found before anything is started, by file and line.
refused() {
	printf '# a session\n%s\n' "$1" >"$tmp/s.step"
	expect 2 $bstep --check "$tmp/s.step" >"$tmp/out" 2>"$tmp/err"
	grep -q "s.step:2: .*$2" "$tmp/err" || fail "'$1': '$2' is not in: $(cat "$tmp/err")"
}
refused 'brake "vm_fault"' 'unknown command "brake"; there are boot break'
refused 'break vm_fault' 'usage: break "function"'
refused 'break "vm_fault" now' 'usage: break "function"'
refused 'break phys vm_fault' 'usage: break "function", or break phys'
refused 'break "vm_falt"' 'no symbol "vm_falt"; was it renamed'
refused 'unbreak ""' 'usage: unbreak'
refused 'run fast' 'usage: run'
refused 'run 2T' 'usage: run'
refused 'run -1' 'usage: run'
refused 'mark one' 'usage: mark N'
refused 'let 2a = 1' 'usage: let'
refused 'let a == 1' 'usage: let'
refused 'let a =' 'usage: let'
refused 'expect' 'usage: expect'
refused 'expect pte == 0' '"pte" is no register, and no let or walk before'
refused 'expect (1 + 2' 'a ) is missing'
refused 'expect 1 +' 'something is missing'
refused 'expect 1 2' 'cannot read "2"'
refused 'expect 0x1g' 'not a number'
refused 'expect 1 / 0' 'division by 0'
refused 'expect rip in vm_fault' 'a "name" is wanted'
refused 'expect rip in "nowhere"' 'no symbol "nowhere"'
refused 'watch 0x1000 8' 'usage: watch r|w'
refused 'watch w 0x1000 0' 'usage: watch r|w'
refused 'sym "does-not-exist"' 'No such file'
refused 'sym "README.md"' 'no ELF file'
refused 'forget a' 'usage: forget'
refused 'quit now' 'usage: quit'
refused 'walk' 'usage: walk'
refused "expect $(printf '(%.0s' $(seq 40))1" 'too many parentheses'

# All wrong lines are said, not the first one only.
printf 'brake\nrun x\nlet\n' >"$tmp/s.step"
expect 2 $bstep --check "$tmp/s.step" 2>"$tmp/err"
same 3 "$(wc -l <"$tmp/err")" "wrong lines"
expect 0 $bstep --check book/sessions/bochs/*-cow.step
expect 2 $bstep --check "$tmp/none.step" 2>"$tmp/err"
expect 2 $bstep a b 2>"$tmp/err"
expect 2 $bstep --patience soon a 2>"$tmp/err"
$bstep --help | grep -q '^Exit status' || fail "--help"

# A transcript is compared, its lines with their notes.
printf 'let a = 17   # a number\nexpect a == 17\n' >"$tmp/s.step"
expect 0 $bstep --record "$tmp/t.out" "$tmp/s.step"
expect 0 $bstep --against "$tmp/t.out" "$tmp/s.step"
sed -i 's/0x11/0x12/' "$tmp/t.out"
expect 1 $bstep --against "$tmp/t.out" "$tmp/s.step" 2>"$tmp/err"
grep -q 't.out: differs, line 2' "$tmp/err" || fail "$(cat "$tmp/err")"
expect 2 $bstep --against "$tmp/none.out" "$tmp/s.step" 2>/dev/null

# Without a machine, what needs one says so.
printf 'walk 0x1000\n' >"$tmp/s.step"
expect 3 $bstep --batch "$tmp/s.step" >/dev/null 2>"$tmp/err"
grep -q 'no machine yet: boot' "$tmp/err" || fail "walk: $(cat "$tmp/err")"

finish
