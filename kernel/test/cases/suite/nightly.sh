#!/bin/sh
# NEEDS: TIMEOUT=30 TURN=3 KIND=exact
# make nightly goes on after a failure, and after a stop where it was stopped;
# what a row takes is told, and one verdict is its status.
. kernel/test/cases/lib.sh
export NIGHTLY_TAB="$tmp/tab" NIGHTLY_OUT="$tmp/out"
cat >"$tmp/tab" <<END
# a table
good  1  echo x >>$tmp/good; echo seed \$SEED
bad   1  echo the reason; exit 3
stop  1  echo x >>$tmp/stop; [ -e $tmp/again ] || kill -TERM \$PPID; true
last  1  echo x >>$tmp/last
END
night() {
	sh kernel/test/nightly "$@" >"$tmp/text" 2>&1
}
done_by() {
	cat "$tmp/$1" 2>/dev/null | wc -l
}

night -s 7
[ $? -gt 2 ] || fail "it was not stopped: $(cat "$tmp/text")"
same "1 1 0" "$(done_by good) $(done_by stop) $(done_by last)" "rows until the stop"
grep -q 'the reason' "$tmp/text" || fail "why: $(cat "$tmp/text")"
: >"$tmp/again"
expect 1 night -s 7
same "1 2 1" "$(done_by good) $(done_by stop) $(done_by last)" "rows after the stop"
grep -q 'bad .*FAILED (3)' "$tmp/text" || fail "the table: $(cat "$tmp/text")"
grep -q 'seed 7: 3 passed, 1 failed$' "$tmp/text" || fail "verdict: $(cat "$tmp/text")"
grep -q 'seed 7' "$tmp"/out/*/good.log || fail "the seed does not arrive"

expect 0 night good last
same "1 1" "$(done_by good) $(done_by last)" "rows with an answer"
expect 0 night -f good
same 2 "$(done_by good)" "a row asked for anew"
expect 2 night nothing

# Of the table itself each command is there.
unset NIGHTLY_TAB
sed -n 's/^[^ #]* *[0-9]* *make \([^ ]*\).*/\1/p' kernel/test/nightly.tab | sort -u |
	while read -r target; do
		make -n "$target" >"$tmp/text" 2>&1 || echo "$target: $(cat "$tmp/text")"
	done >"$tmp/lacks"
[ ! -s "$tmp/lacks" ] || fail "$(cat "$tmp/lacks")"
finish
