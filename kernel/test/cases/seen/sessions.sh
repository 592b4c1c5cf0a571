#!/bin/sh
# NEEDS: TIMEOUT=300 SHORT=1 TURN=6 SUBJECT=teaching KIND=bounded
# BOUNDED: Bochs runs beside the clock of the host
# What the sessions of the book show is what this kernel does in Bochs, each
# played once; a transcript that is not is named with its line, its chapter and
# the remedy.  At a terminal somebody looks around and mistypes.  What is expected
# holds in gdb as well.  In make check three of them: two of the four that are made
# stale here, and another one for each commit.  make check-sessions plays them with
# planted bugs, too.
. kernel/test/cases/lib.sh

built tools $(sed -n 's/^boot .*--add \(build\/book\/[^: ]*\).*/\1/p' book/sessions/bochs/*.step | sort -u)
drawn() {
	ls book/sessions/bochs/*.step | sed 's:.*/\([0-9]*\)-.*:\1:' | awk -v draw="$(of_commit 1000)" '
		/^(01|10)$/ { print; next }
		{ other[n++] = $1 }
		END { print other[draw % n] }'
}
# shellcheck disable=SC2046
expect 0 sh tools/sessions compare "$BUILD" $(in_full || drawn)

# Stale ones: an address, a word's bit, a count that is another one, an answer
# that is gone.  Nothing is played again.
stale() {
	rm -rf "$tmp/stale"
	cp -r book/sessions/bochs "$tmp/stale"
	sed -i "$2" "$tmp/stale/$1.out"
	cmp -s "$tmp/stale/$1.out" "book/sessions/bochs/$1.out" && fail "$2 changes nothing"
	SESSIONS=$tmp/stale expect 1 sh tools/sessions compare "$BUILD" "$1" 2>"$tmp/said"
	for words in "$1.out: differs, line [0-9]" '^  recorded ' '^  now ' '^  shown in  book/part[^ ]*\.md:[0-9]' \
		'^remedy: .*make book-record'; do
		grep -q -e "$words" "$tmp/said" || fail "$1, $2: '$words' is not in: $(cat "$tmp/said")"
	done
}
stale 01-first-fault 's/va = 0x7fff/va = 0x7ffe/'
stale 10-cow 's/ P U A NX soft=2/ P W U A NX soft=1/'
if in_full; then
	stale 02-walk '4s/~[0-9]*/~5/'
	stale 06-usercopy '/warg = 0x/d'
fi
# What differs between two compilers does not: some instructions more.
cp -r book/sessions/bochs "$tmp/near"
awk 'match($0, /~[0-9]+/) { $0 = substr($0, 1, RSTART) int(substr($0, RSTART + 1, RLENGTH - 1) * 1.3) substr($0, RSTART + RLENGTH) }
	{ print }' book/sessions/bochs/01-first-fault.out >"$tmp/near/01-first-fault.out"
cmp -s "$tmp/near/01-first-fault.out" book/sessions/bochs/01-first-fault.out && fail "nothing is near"
SESSIONS=$tmp/near expect 0 sh tools/sessions compare "$BUILD" 01 >/dev/null

if command -v gdb >/dev/null; then
	in_gdb() {
		expect 0 timeout 300 build/tools/bstep --via gdb --batch --kernel "$BUILD/vadose.elf" \
			"book/sessions/bochs/$1.step" >"$tmp/$2" 2>"$tmp/err" || fail "$(cat "$tmp/err")"
	}
	in_gdb 10-cow out
	same 9 "$(grep -c '^  holds' "$tmp/out")" "what holds in gdb"
	# Time is counted in instructions there: two plays are the same.
	in_gdb 11-last once
	in_gdb 11-last again
	cmp -s "$tmp/once" "$tmp/again" || fail "11-last, twice in gdb: $(diff "$tmp/once" "$tmp/again" | head -n 4)"
	if in_full; then
		for step in $(grep -L -e '^watch' -e '^show' book/sessions/bochs/*.step); do
			in_gdb "$(basename "$step" .step)" out
		done
	fi
fi

# At a terminal, before the BIOS has done anything: commands of ours, of Bochs,
# and wrong ones, each with what was typed and what is possible; then on.
printf '%s\n' '# a session' boot 'let a = 7 - 1' 'step 5' 'say It ends.' quit >"$tmp/s.step"
printf '%s\n' '' 'let x = 6 * 7' 'brake "vm_fault"' 'walk' 'walk nowhere' 'regs' 'print-stack foo' 'show foo' xyzzy c \
	'expect a == 7' q |
	timeout 100 script -qec "build/tools/bstep --kernel $BUILD/vadose.elf $tmp/s.step" /dev/null >"$tmp/seen" 2>&1
tr -d '\r' <"$tmp/seen" >"$tmp/out"
for line in '^  a = 6$' '  x = 0x2a$' '"brake "vm_fault"": Bochs does not take it' 'did you mean  break "function"' \
	'^there are  *boot break cpu .* where$' 'usage: walk ADDRESS' 'walk nowhere: "nowhere" is no variable' 'rip: 0000' \
	'"print-stack foo": Bochs does not take it' '"xyzzy": Bochs does not' 'show foo: Bochs does not take it' \
	', 5 instructions later' '^say It ends' 'expect a == 7: does not hold' '\[a command, q: end\]'; do
	grep -q -e "$line" "$tmp/out" || fail "at the terminal, '$line' is not in: $(tail -n 50 "$tmp/out")"
done
grep -q '^[^"]*:[0-9]*: syntax error' "$tmp/out" && fail "$(grep 'syntax error' "$tmp/out")"

# The same in a session's file: its line, and nothing is recorded over the old one.
printf '%s\n' boot 'show brake' >"$tmp/s.step"
echo old >"$tmp/s.out"
expect 2 build/tools/bstep --kernel "$BUILD/vadose.elf" --record "$tmp/s.out" "$tmp/s.step" >"$tmp/out" 2>"$tmp/err"
grep -q "s.step:2: show brake: Bochs does not take it: syntax error at 'brake'" "$tmp/err" || fail "$(cat "$tmp/err")"
same old "$(cat "$tmp/s.out")" "the transcript of before"
finish
