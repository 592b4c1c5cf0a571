#!/bin/sh
# NEEDS: TIMEOUT=300 SHORT=1 TURN=6 KIND=exact
# The protocol models hold, and planted bugs are found: the small searches.
# In make check the first bug of four models, and one model that holds.
. kernel/test/cases/lib.sh
in_full || set -- BUG1 'slots '
expect 0 sh kernel/test/models/run -q -j 2 "$@" >"$tmp/table"
# Without what a host moves: seconds, and who is done first.
sed '$d' "$tmp/table" | cut -c1-72,81- | sort
finish
