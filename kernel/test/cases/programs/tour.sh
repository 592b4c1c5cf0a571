#!/bin/sh
# NEEDS: TIMEOUT=30 KIND=bounded
# BOUNDED: its machine has the clock of the host
# make run without a terminal shows the counters of this run and ends with 0.
. kernel/test/cases/lib.sh

out=$(make -s run BUILD="$BUILD" </dev/null 2>"$tmp/err") || fail "status $?: $(cat "$tmp/err")"
row() { echo "$out" | grep "^$1" | awk -v n="$2" '{ print $(NF - 6 + n) }'; }
at_least() { [ "${1:-0}" -ge "$2" ] || fail "$3: '$1', expected at least $2"; }
at_most() { [ "${1:-999}" -le "$2" ] || fail "$3: '$1', expected at most $2"; }
# columns: zerofill entries rerefs fork_copy steal page.copy
at_least "$(row 'write to each' 1)" 64 "pages filled"
at_least "$(row 'fork ' 2)" 64 "entries made by fork"
at_most "$(row 'fork ' 6)" 8 "pages copied by fork"
at_least "$(row 'child writes' 4)" 16 "pages copied for the child"
at_least "$(row 'parent writes to the same' 5)" 16 "pages stolen by the parent"
at_most "$(row 'parent writes to the same' 6)" 2 "pages copied for it"
at_least "$(row 'parent writes to all' 5)" 48 "pages stolen at the end"
at_most "$(row 'parent writes to all' 6)" 2 "pages copied at the end"
finish
