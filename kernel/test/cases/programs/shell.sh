#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=bounded
# BOUNDED: keys are typed while the host runs
# A person at a terminal: commands, pipes, ^C, ^D, ^Z, line editing.
. kernel/test/cases/lib.sh

command -v script >/dev/null || { echo "no script(1), skipped"; exit 0; }

# A line, and what it shows that says that the next may be typed; else a new prompt.
# The shell joins what it shows, so that the command line is not taken for it.
prompts=1
line() {
	printf "$1\r"
	if [ $# = 2 ]; then seen "$2"; else prompt; fi
}
prompt() {
	prompts=$((prompts + 1))
	seen 'vadose:~#' $prompts
}

keys() {
	seen 'vadose:~#'
	for typed in 'ls -l /' 'ps' 'head -n 3 /proc/vm/events' \
	    'echo a b c | wc -w' 'echo wrXng\b\b\bong'; do
		line "$typed"
	done
	line 'sh -c "echo na""ps; exec sleep 100"' '^naps'
	printf '\003'
	prompt
	line 'echo status $?'
	line 'sh -c "echo re""ads; exec cat"' '^reads'
	printf 'typed to cat\r\004'
	prompt
	line 'sh -c "echo sl""eeps; exec sleep 50"' '^sleeps'
	printf '\032'
	prompt
	line 'jobs; kill -9 %%1; wait; echo "all over" | tr a-z A-Z'
	line 'exit 5' 'power off'
}

keys | script -qefc "$GUEST --kernel $BUILD/vadose.elf --timeout 60" \
	"$tmp/typescript" >"$tmp/out" 2>&1
# The terminal is raw: a line that ends without CR makes a staircase.
stairs=$(LC_ALL=C grep -n -v "$(printf '\r')\$" "$tmp/out" | head -n 3)
same "" "$stairs" "lines without CR"
grep -q 'vadose: .* CPU' "$tmp/out" || fail "no first line of the kernel"
tr -d '\r' <"$tmp/out" >"$tmp/text"
has() { grep -q -e "$1" "$tmp/text" || fail "not seen: $1"; }
has '^d.* proc$'
has 'PID.*COMMAND'
has '^fault.trap [0-9]'
has '^3$'
has '^status 130$'
has 'Stopped.*sleep 50'
has '^ALL OVER$'
[ "$(grep -c '^typed to cat$' "$tmp/text")" -ge 1 ] || fail "cat and ^D"
[ $failures = 0 ] || cat "$tmp/text" >&2
finish
