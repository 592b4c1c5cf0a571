#!/bin/sh
# NEEDS: TIMEOUT=600 SHORT=1 TURN=6 KIND=bounded
# BOUNDED: the tests that shall find them are bounded
# Five bugs of the bank (in make check one of the quick ones, in check-long ten), others for each commit, are
# planted in the kernel: tests find them.  And where nothing is planted, nothing is found.
# Arguments: names of bugs instead.
. kernel/test/cases/lib.sh

run=grading/mutants/kernel/run
some='-n 5'
[ -z "$LONG" ] || some='-n 10'
in_full || some='-q -n 1'

# The table of the bank is as its files say, and has each number of the design
# that concerns what exists, once.
sh "$run" -t >"$tmp/table"
sed -n '/^| # |/,$p' grading/mutants/kernel/README.md >"$tmp/readme"
same "$(cat "$tmp/table")" "$(cat "$tmp/readme")" "README.md is not run -t"
same "$(seq 137)" "$(sed -n 's/^| \([0-9]*\) |.*/\1/p' "$tmp/table")" \
	"numbers of the bank"

# Each still fits the sources, where it did, also those that are not drawn.
expect 0 sh grading/mutants/refit -n

mkdir "$tmp/bank"
cp "$run" "$tmp/bank"
cat >"$tmp/bank/000-nothing.patch" <<'END'
Only a comment changes.
Tests: t02_fork_cow@1

--- a/kernel/vm/frame/pageio.c
+++ b/kernel/vm/frame/pageio.c
@@ -1,1 +1,1 @@
-/* SPDX-License-Identifier: BSD-2-Clause */
+/* SPDX-License-Identifier: BSD-2-Clause  */
END
expect 1 sh "$tmp/bank/run" -j 1 -b "$BUILD" >"$tmp/none" 2>&1
grep -q 'WRONG *no test finds it' "$tmp/none" || {
	fail "nothing was planted, and:"
	cat "$tmp/none"
}
if [ $# -gt 0 ]; then
	expect 0 sh "$run" -j 1 -b "$BUILD" "$@"
else
	# shellcheck disable=SC2086
	expect 0 sh "$run" -j 1 -b "$BUILD" $some -s "$(of_commit 366)"
fi
finish
