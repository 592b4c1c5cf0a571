#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 TURN=1,2 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# The conformance programs under pressure: with 48 MiB and swap, on one
# processor and on four, their transcripts are the same as ever.  (With 256
# MiB each runs alone: its NEEDS.)  In make check a sixth of them on four, others
# for another commit.  PART of PARTS: those whose number leaves that remainder.
# What another design would count stays 0.
# Arguments: memory (48M), processors (1 4).
. kernel/test/cases/lib.sh

memory=${1:-48M}
[ $# = 0 ] || shift
cpus=${*:-1 4} parts=${PARTS:-6} part=$PART
in_full || cpus=4 part=${PART:-$(of_commit "$parts")}

word() { sed -n "1s/.* $1=\([^ ]*\).*/\1/p" "$2" | tr : ' '; }

# One boot runs all of them, one after the other.
add=
echo 'bad=' >"$tmp/script"
for src in kernel/test/progs/conform/*.c; do
	name=$(basename "$src" .c)
	number=${name%%_*}
	[ -z "$part" ] || [ $((1${number#t} % parts)) = "$part" ] || continue
	add="$add --add $BUILD/kernel/test/progs/$name:/t/$name"
	add="$add --add ${src%.c}.expected:/t/$name.expected"
	echo "echo $name; /t/$name $(word ARGS "$src") >/t/out 2>&1 &&
		cmp /t/out /t/$name.expected || {
		echo '--- $name'; tail -n 3 /t/out; bad=\"\$bad $name\"; }" >>"$tmp/script"
done
others=$(printf '%s\n' fmo uvm scalux shadow frames | grep -vx "${DESIGN:-fmo}" | paste -sd '|')
echo "grep -E '^($others)[.].* [^0]' /proc/vm/events && bad=\"\$bad counters\"" >>"$tmp/script"
echo '[ -z "$bad" ] || { echo "otherwise:$bad" >&2; exit 1; }' >>"$tmp/script"
for n in $cpus; do
	expect 0 $guest --design "${DESIGN:-fmo}" --memory "$memory" --swap 512M \
		--cpus "$n" --log "$tmp/log" \
		$add --add "$tmp/script:/script" -- sh /script
done
finish
