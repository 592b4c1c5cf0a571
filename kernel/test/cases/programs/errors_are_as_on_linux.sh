#!/bin/sh
# NEEDS: TIMEOUT=300 TURN=3 KIND=exact
# Each row of kernel/test/errors is answered as Linux 6.1 has answered it, but for
# the exceptions, and each call of kernel/sys has a row.
. kernel/test/cases/lib.sh

here=kernel/test/errors
mkdir "$tmp/rows"
cp $here/*.rows $here/*.tab kernel/sys/syscalls.tab "$BUILD/$here/rows" "$tmp/rows"
expect 0 $exact_guest --cpus 1 --root initrd --add "$tmp/rows:/rows" -- /bin/sh -c \
	'exec /rows/rows /rows/*.tab /rows/*.rows' \
	>"$tmp/answers" 2>"$tmp/err" || cat "$tmp/err"
cat "$tmp/err"
mkdir -p "$BUILD/check" && cp "$tmp/answers" "$BUILD/check/errors.answers"
$here/compare vadose "$tmp/answers" || fail "answers are others than Linux's"

# A row's new process, whose end would kill the row's, does not end first.
row=$(grep '^clone(SIGKILL, .* = ok$' $here/proc.rows)
for i in $(seq 40); do echo "$row"; done >"$tmp/rows/again"
$exact_guest --cpus 1 --root initrd --append sched=1 --add "$tmp/rows:/rows" -- \
	/rows/rows /rows/syscalls.tab /rows/again >"$tmp/answers" 2>/dev/null
same "     40 $row" "$(sort "$tmp/answers" | uniq -c)" "the same row again and again"
finish
