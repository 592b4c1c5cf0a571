#!/bin/sh
# NEEDS: TIMEOUT=90 TURN=3 KIND=bounded
# BOUNDED: keys are typed while the host runs
# What was typed before a program changes between lines and bytes is not lost;
# ^C and the end of IXON start a stopped terminal; keys are counted and timed as
# on Linux; lines of two writers stay whole.
. kernel/test/cases/lib.sh

command -v script >/dev/null || { echo "no script(1), skipped"; exit 0; }

prog=$BUILD/kernel/test/progs/terminals_answer_as_on_linux

# What the program asks for, key by key.
typed() {
	printf '/t/typed 1; echo en"d" $?\r'
	seen 'please line' && printf 'abc\004'
	seen 'please end' && printf '\004'
	seen 'please one' && printf 'a'
	seen 'please two' && printf 'bc'
	seen 'please six' && for c in a b c d e f; do
		sleep 0.7
		printf $c
	done
	seen '^end' || printf '\003'
}

# The shell joins what it shows, so that the command line is not taken for it.
keys() {
	seen 'vadose:~#'
	printf 'echo o"n"e; sleep 1; stty -icanon; head -c 3; stty icanon; echo " r"aw\r'
	seen '^one' && printf 'abc'
	seen 'abc raw' || printf '\r\003'
	printf 'stty -icanon; echo t"w"o; sleep 1; stty icanon; head -n 1 | sed "s/^/g""ot /"; echo li"n"e\r'
	seen '^two' && printf 'hello\r'
	seen '^line' || printf '\003'
	printf 'echo th"r"ee; sleep 9\r'
	seen '^three' && printf '\023\003'
	printf 'echo go"e"s on; (sleep 2; stty -ixon; echo fr"e"e)\r'
	seen '^goes on' && printf '\023' || touch "$tmp/frozen"
	seen '^free' || touch "$tmp/frozen"
	printf '\021'
	printf 'stty ixon\r'
	typed
	printf 'exit\r'
	sleep 1
}

keys | timeout 80 script -qfec "$GUEST --kernel $BUILD/vadose.elf \
	--add $prog:/t/typed --timeout 75" \
	"$tmp/typescript" >"$tmp/out" 2>&1
for text in 'abc raw' '^got hello' '^line' '^goes on' '^free' '^end 0'; do
	grep -aq "$text" "$tmp/typescript" || fail "$text: $(tail -n 12 "$tmp/typescript")"
done
[ ! -e "$tmp/frozen" ] || fail "stopped for good: $(tail -n 30 "$tmp/typescript")"
same 400 "$(tr -d '\r' <"$tmp/typescript" |
    grep -acE '^(A{99}|B{99})$')" 'whole lines of two writers'
finish
