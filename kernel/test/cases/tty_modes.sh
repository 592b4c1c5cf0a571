#!/bin/sh
# NEEDS: TIMEOUT=60
# What was typed before a program changes between lines and bytes is not lost.
. kernel/test/cases/lib.sh

command -v script >/dev/null || { echo "no script(1), skipped"; exit 0; }

# seen TEXT: wait until the terminal has shown it
seen() {
	i=0
	until grep -aq -e "$1" "$tmp/typescript" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 200 ] || return 1
		sleep 0.1
	done
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
	printf 'exit\r'
	sleep 1
}

keys | timeout 50 script -qfec "$GUEST --kernel $BUILD/vadose.elf --timeout 45" \
	"$tmp/typescript" >"$tmp/out" 2>&1
for text in 'abc raw' '^got hello' '^line'; do
	grep -aq "$text" "$tmp/typescript" || fail "$text: $(tail -n 12 "$tmp/typescript")"
done
finish
