#!/bin/sh
# NEEDS: TIMEOUT=300 TURN=6 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# What is not in use leaves at every 4th fault or wait (LONG: at each), with the
# tables that describe it: the conformance programs print what they always do.
# Arguments: processors (1 4), programs (some that fault little).
. kernel/test/cases/lib.sh

cpus=${1:-1 4}
names=${2:-t07_map_fixed t10_mremap t11_dontneed}

every=${LONG:+1}

word() { sed -n "1s/.* $1=\([^ ]*\).*/\1/p" "$2" | tr : ' '; }

add=
echo 'bad=0' >"$tmp/script"
for name in $names; do
	src=$(ls kernel/test/progs/*/$name.c)
	add="$add --add $BUILD/kernel/test/progs/$name:/t/$name"
	add="$add --add ${src%.c}.expected:/t/$name.expected"
	echo "/t/$name $(word ARGS "$src") >/t/out 2>&1 &&
		cmp /t/out /t/$name.expected || {
		echo '--- $name'; tail -n 3 /t/out; bad=1; }" >>"$tmp/script"
done
# Tables have been out, and have been read again.
cat >>"$tmp/script" <<'END'
grep -E '^table.(out|in) ' /proc/vm/events
grep -Eq '^table.out [0-9]{2}' /proc/vm/events || bad=2
grep -Eq '^table.in [0-9]{2}' /proc/vm/events || bad=3
exit $bad
END
for n in $cpus; do
	expect 0 $guest \
		--memory 48M --swap 128M --cpus "$n" --log "$tmp/log" \
		--append inject=FI_TABLE:1:${every:-4} $add \
		--add "$tmp/script:/script" -- sh /script
done
finish
