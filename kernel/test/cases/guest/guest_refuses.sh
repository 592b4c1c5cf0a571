#!/bin/sh
# NEEDS: TIMEOUT=30 TURN=3 KIND=exact
# What cannot start is 126 and one sentence that says why.
. kernel/test/cases/lib.sh

refuse() {
	words=$1
	shift
	expect 126 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	grep -q -e "$words" "$tmp/err" || fail "'$words' is not in: $(cat "$tmp/err")"
	[ ! -s "$tmp/out" ] || fail "standard output of $*"
}
refuse 'such as 24M' $guest --swap 12K -- true
refuse 'No such file' $guest --swap "$tmp/none" -- true
refuse 'mkswap' $guest --swap README.md -- true
refuse 'No such file' $guest --trace "$tmp/none/t" -- true
refuse 'fmo, uvm, scalux, shadow, frames or eager' $guest --design other -- true
refuse 'No such file' $GUEST --kernel "$tmp/none" -- true
refuse 'not an ELF' $GUEST --kernel README.md -- true
refuse 'no terminal' $guest
refuse '1 to 16' $guest --cpus 17 -- true
refuse 'cannot start' $guest --cpus 1 --memory 8M -- true
refuse 'such as 24M' $guest --memory 12parsec -- true
refuse '--log .*/none/log: No such file' $guest --log "$tmp/none/log" -- true
refuse '0 to 10' $guest --icount=11 -- true
refuse 'make image' $guest --initrd "$tmp/none" -- true
refuse 'does-not-exist' $guest --add does-not-exist -- true
refuse qemu env PATH="$tmp" $guest -- true

# More files than the memory holds: too many for the loader, or for the kernel,
# which leaves no part of one.
head -c 58M /dev/zero | tr '\0' x >"$tmp/large"
refuse 'too many for a memory of 64 MiB: --memory' $guest --memory 64M --add "$tmp/large" -- true
truncate -s 30M "$tmp/large"
refuse 'cannot start: no room for the files' $guest --memory 64M --add "$tmp/large" -- true

# An emulator that is killed, or that gives up, is no fault of the guest's.
mkdir "$tmp/bin"
for end in 'kill -KILL $$' 'kill -ABRT $$' 'echo "no memory" >&2; exit 1'; do
	printf '#!/bin/sh\n%s\n' "$end" >"$tmp/bin/qemu-system-x86_64"
	chmod +x "$tmp/bin/qemu-system-x86_64"
	PATH=$tmp/bin:$PATH refuse '^tools/guest: the emulator .*\(ended by signal\|gave up\)' $guest -- true
	grep 'triple fault' "$tmp/err" && fail "$end: $(cat "$tmp/err")"
done
$guest -- sh -c 'echo here; sleep 60' >"$tmp/out" 2>"$tmp/err" &
machine=$!
for try in $(seq 300); do
	grep -q here "$tmp/out" && break
	sleep 0.1
done
kill -KILL "$(pgrep -P $machine qemu)"
wait $machine
same 126 $? 'status where the machine was killed'
grep -q 'ended by signal 9' "$tmp/err" || fail "killed: $(cat "$tmp/err")"

# A full disk is said, whether the machine still runs or has ended.
for what in 'echo a' 'while :; do echo a; done'; do
	$guest -- sh -c "$what" >/dev/full 2>"$tmp/err"
	same 126 $? "status with a full disk: $what"
	grep -q 'output cannot be written: No space' "$tmp/err" || fail "full disk: $(cat "$tmp/err")"
done
expect 0 $guest --icount=0 -- true

# A boot argument that cannot be meant is said, and what holds without it holds.
for word in frames=8MB frames= frames=# smp=two sched=1,2 uvm=fmo trace=pages,all brk; do
	expect 0 $guest -v --append $word -- true 2>"$tmp/err"
	grep -q "options: passed over: $word; it takes" "$tmp/err" || fail "not said: $word"
done
for word in frames=8m smp=0x2 check=sys trace=pages,words; do
	expect 0 $guest -v --append $word -- true 2>"$tmp/err"
	grep 'options:' "$tmp/err" && fail "passed over: $word"
done
finish
