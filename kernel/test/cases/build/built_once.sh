#!/bin/sh
# NEEDS: TIMEOUT=120 KIND=exact
# Two cases that want a tool and the grader's headers at the same moment: they are made
# once, and both can use them.
. kernel/test/cases/lib.sh

# A compiler that writes down what it was asked to write.
cat >"$tmp/cc" <<EOF2
#!/bin/sh
for last; do :; done
echo "\$last" >>"$tmp/log"
exec gcc "\$@"
EOF2
chmod +x "$tmp/cc"

# wants N: as a case does, but in a folder of its own, not in build/grading.
log=$tmp/log g=$tmp/grading t=$tmp/tools cc=$tmp/cc
wants() {
	tmp=$tmp/$1
	mkdir "$tmp"
	built G="$g" T="$t" CC="$cc" "$t/vtr" "$g/include/made"
	"$t/vtr" --help >"$tmp/help" 2>&1
	grep -q vtr "$tmp/help" || fail "$1: $(cat "$tmp/help")"
	[ -s "$g/include/vm/map/map.h" ] || fail "$1: no headers"
	[ $failures = 0 ]
}
(wants 1) &
(wants 2) || fail "the second has none"
wait $! || fail "the first has none"
grep -q "^$t/vtr$" "$log" || fail "not made: $(cat "$log")"
same '' "$(sort "$log" | uniq -d)" 'made twice'
finish
