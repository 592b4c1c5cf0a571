#!/bin/sh
# NEEDS: TIMEOUT=240
# The whole trace of a run reaches the host: no number is missing, its events
# are as many as the kernel counted between two marks, and no rule is broken.
. kernel/test/cases/lib.sh

vtr=build/tools/vtr
traced() {
	out=$1
	shift
	expect 0 $guest --trace "$out" "$@" >"$tmp/out" 2>"$tmp/err"
	[ ! -s "$tmp/err" ] || fail "standard error: $(cat "$tmp/err")"
}

# Of the events between marks 1 and 2, those that are counters, too.
between() {
	first=$($vtr dump -e check.mark "$1" | sed -n 's/ .* id=1$//p')
	last=$($vtr dump -e check.mark "$1" | sed -n 's/ .* id=2$//p')
	$vtr count -f "$first" -t "$last" "$1"
}

for n in 1 2; do
	t=$tmp/t$n
	traced "$t" --cpus $n -- sh -c 'echo $((6*7)) | cat'
	same 42 "$(cat "$tmp/out")" "output with $n"
	$vtr dump "$t" >"$tmp/dump" 2>"$tmp/err"
	[ ! -s "$tmp/err" ] || fail "vtr says: $(cat "$tmp/err")"
	same 1 "$(sed -n '1s/ .*//p' "$tmp/dump")" "first record with $n"
	same "" "$($vtr check "$t")" "check with $n"
done
finish
