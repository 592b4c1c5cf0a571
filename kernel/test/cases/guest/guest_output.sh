#!/bin/sh
# NEEDS: TIMEOUT=200 TURN=3 KIND=exact
# Any bytes arrive as they were sent, and a byte costs the guest at most 50
# instructions (7 when this was written): time is counted in them.
. kernel/test/cases/lib.sh

mb=4
[ -n "$LONG" ] && mb=20
head -c 1048576 /dev/urandom >"$tmp/mb"
for i in $(seq $mb); do cat "$tmp/mb"; done | md5sum >"$tmp/want"
$guest --icount --add "$tmp/mb:/mb" -- sh -c "cat /proc/uptime >&2; i=0
	while [ \$i -lt $mb ]; do cat /mb; i=\$((i + 1)); done; cat /proc/uptime >&2" \
	2>"$tmp/time" | md5sum >"$tmp/got"
cmp "$tmp/want" "$tmp/got" || fail "the bytes differ"
awk -v mb=$mb '{ t[NR] = $1 } END { exit !(NR == 2 && t[2] - t[1] <= 0.05 * mb) }' \
	"$tmp/time" || fail "$mb MB from and to these seconds: $(cat "$tmp/time")"
finish
