#!/bin/sh
# NEEDS: TIMEOUT=60 TURN=3 KIND=bounded
# BOUNDED: it measures seconds of the host, with room
# 20 MB of any bytes arrive as they were sent, within a minute.
. kernel/test/cases/lib.sh

mb=4
[ -n "$LONG" ] && mb=20
head -c 1048576 /dev/urandom >"$tmp/mb"
for i in $(seq $mb); do cat "$tmp/mb"; done | md5sum >"$tmp/want"
# Once a host may be busy with other things.
for try in 1 2 3; do
	begin=$(date +%s)
	$guest --add "$tmp/mb:/mb" -- sh -c \
		"i=0; while [ \$i -lt $mb ]; do cat /mb; i=\$((i + 1)); done" | md5sum >"$tmp/got"
	took=$(($(date +%s) - begin))
	cmp -s "$tmp/want" "$tmp/got" || fail "the bytes differ"
	[ $took -gt $((3 * mb + 5)) ] || finish
done
fail "$mb MB took $took s"
finish
