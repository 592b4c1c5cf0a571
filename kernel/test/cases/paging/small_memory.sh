#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# In a machine of 16 MiB a shell runs: programs, a pipe of four, a file in memory.
. kernel/test/cases/lib.sh

cat >"$tmp/script" <<'END'
[ "$(sed -n 's/^total=\([0-9]*\) .*/\1/p' /proc/vm/frames)" -le 4096 ] || exit 1
ls -lR / 2>/dev/null | sort | uniq | wc -l >/tmp/lines || exit 2
[ "$(cat /tmp/lines)" -gt 100 ] || exit 3
i=0
while [ $i -lt 20 ]; do
	(cat /tmp/lines | wc -c >/dev/null) || exit 4
	i=$((i + 1))
done
head -c 1000000 /dev/zero >/tmp/million || exit 5
[ "$(wc -c </tmp/million)" = 1000000 ] || exit 6
echo 2 >/proc/vm/check || exit 7
END
expect 0 $guest --memory 16M --add "$tmp/script:/script" -- sh /script
finish
