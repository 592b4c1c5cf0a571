#!/bin/sh
# NEEDS: TIMEOUT=300 TURN=6 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# The whole trace of a run reaches the host: no number is missing, its events
# are as many as the kernel counted between two marks, no rule is broken, and a
# rule that is broken in a copy is found at the very record.
. kernel/test/cases/lib.sh

vtr=build/tools/vtr
traced() {
	out=$1
	shift
	expect 0 $guest --log "$tmp/log" --trace "$out" "$@" >"$tmp/out" 2>"$tmp/err"
	[ ! -s "$tmp/err" ] || fail "standard error: $(cat "$tmp/err"; tail -n 5 "$tmp/log")"
}

for n in 1 2; do
	t=$tmp/t$n
	traced "$t" --cpus $n -- sh -c 'echo $((6*7)) | cat'
	same 42 "$(cat "$tmp/out")" "output with $n"
	$vtr dump "$t" >"$tmp/dump" 2>"$tmp/err"
	[ ! -s "$tmp/err" ] || fail "vtr says: $(cat "$tmp/err")"
	same 1 "$(sed -n '1s/ .*//p' "$tmp/dump")" "first record with $n"
	same "" "$($vtr check "$t")" "check with $n"
done

# A record says of which design its thread's space is.
traced "$tmp/eager" --append vmm=eager -- sh -c 'cat </dev/null'
same "" "$($vtr dump -d 0 "$tmp/eager")" "records of fmo"
[ "$($vtr count -d 5 -e fault. "$tmp/eager" | awk '{ n += $2 } END { print n + 0 }')" -gt 100 ] ||
	fail "faults of eager: $($vtr count "$tmp/eager")"
same "" "$($vtr dump -d 5 "$tmp/t1")" "records of eager where none is"
[ "$($vtr dump -n 9 -d 0 -e fault. "$tmp/t1" | wc -l)" = 9 ] || fail "none of fmo"

# Four processors that put records at once, while the host takes them.
traced "$tmp/smp" --cpus 4 --memory 64M \
	--add $BUILD/kernel/test/progs/truncate_against_faults:/t/ -- /t/truncate_against_faults
same "" "$($vtr check "$tmp/smp" 2>&1)" "check of four"

# Forks, files, faults, and more memory than there is: all of it was seen.
t=$tmp/work
traced "$t" --trace-words --cpus 1 --memory 64M --swap 128M --append idlezero=0 \
	--add $BUILD/kernel/test/progs/work_between_marks:/t/ -- \
	/t/work_between_marks print
same "" "$($vtr check "$t" 2>&1)" "check of the work"
[ "$($vtr dump -n 9 -e page.word "$t" | wc -l)" = 9 ] || fail "no words"
at() { $vtr dump -e check.mark "$t" | sed -n "s/ .* id=$1\$//p"; }
$vtr count -f "$(at 1)" -t "$(at 2)" "$t" >"$tmp/count"
awk '$2 == "both" { print $1 }' kernel/kern/events.tab >"$tmp/both"
awk 'FILENAME ~ /both$/ { both[$1]; next } FILENAME ~ /count$/ { n[$1] = $2; next }
	$1 in both { seen++ } ($1 in both) && n[$1] + 0 != $2 { print $0, n[$1] + 0 }
	END { if (seen < 20) print seen, "counters" }' \
	"$tmp/both" "$tmp/count" "$tmp/out" >"$tmp/other"
[ ! -s "$tmp/other" ] || fail "counted and traced: $(cat "$tmp/other")"

# Changes of pages: each of these counters is so many transitions.
$vtr dump -e page.state -f "$(at 1)" -t "$(at 2)" "$t" |
	sed 's/.*change=\([^ ]*\) .*/\1/' | sort | uniq -c >"$tmp/changes"
pages() {
	want=$(awk -v c="$1" '$1 == c { print $2 }' "$tmp/out")
	got=$(awk -v p="^($2)\$" '$2 ~ p { n += $1 } END { print n + 0 }' "$tmp/changes")
	same "$want" "$got" "$1 and $2"
}
pages page.alloc '(FREE|ZEROED)>LIMBO'
pages page.free '(LIMBO|WIRED|ACTIVE|MODIFIED|READING)>FREE|(LIMBO|WIRED)>ZEROED'
pages page.reclaim_anon 'STANDBY>FREE'
pages page.to_modified 'ACTIVE>MODIFIED'
pages page.to_standby 'ACTIVE>STANDBY'
[ "$(awk '$1 == "page.reclaim_anon" { print $2 }' "$tmp/out")" -gt 1000 ] || fail "no pressure"

# One processor: record n of the file has number n.  A page that waits for its
# acknowledgement becomes, in a copy, one that is read.
seq=$($vtr dump -e page.state -f "$(at 1)" "$t" | sed -n '/ACTIVE>MODIFIED/{s/ .*//p;q}')
cp "$t" "$tmp/bad"
printf '\005' | dd of="$tmp/bad" bs=1 seek=$((16384 + 40 * (seq - 1) + 32)) conv=notrunc 2>/dev/null
$vtr check "$tmp/bad" >"$tmp/found"
same 1 $? "status of check"
grep -q "^event $seq, record $((seq - 1)) .*: ACTIVE may not become READING" "$tmp/found" ||
	fail "planted at $seq: $(cat "$tmp/found")"
$vtr diff "$t" "$tmp/bad" >"$tmp/found"
same 1 $? "status of diff"
grep -q "^  B $seq .*ACTIVE>READING" "$tmp/found" || fail "diff: $(cat "$tmp/found")"
expect 0 $vtr diff "$t" "$t" >"$tmp/found"

# Where time is instructions, two runs leave the same bytes.
for n in 1 2; do
	traced "$tmp/same$n" --icount --cpus 1 --append 'idlezero=0 norandom=1' -- sh -c 'echo | cat'
done
cmp "$tmp/same1" "$tmp/same2" || fail "two runs by --icount differ"

# A machine that dies leaves its trace.
expect 125 $guest --cpus 1 --append selftest=trap_wx --trace "$tmp/dead" \
	-- true >"$tmp/out" 2>"$tmp/err"
same "" "$($vtr check "$tmp/dead" 2>&1)" "check of a panic"
[ "$($vtr dump "$tmp/dead" | wc -l)" -gt 1000 ] || fail "few events before a panic"

# Without the host: the rings are a file of the guest, of all its processors.
expect 0 $guest --cpus 2 --append trace=pages -- sh -c 'echo | cat; cat /proc/vm/trace' >"$tmp/rings" 2>"$tmp/err"
printf '\n' | cmp -n 1 - "$tmp/rings" || fail "no output before the rings"
tail -c +2 "$tmp/rings" >"$tmp/ring"
expect 0 $vtr dump "$tmp/ring" >"$tmp/dump" 2>"$tmp/err"
[ "$(wc -l <"$tmp/dump")" -gt 3000 ] || fail "rings: $(cat "$tmp/err")"
for what in 'cpu0 ' 'cpu1 ' fork.begin fault.zerofill ' slot=\| va='; do
	grep -q -e "$what" "$tmp/dump" || fail "no $what in the rings"
done
$vtr check "$tmp/ring" >"$tmp/found" 2>&1 || fail "check of the rings: $(cat "$tmp/found")"

# What is no trace, what is cut off, what nobody asked.
head -c 100000 "$t" >"$tmp/short"
for f in README.md "$tmp/none" "$tmp/short" .; do
	expect 2 $vtr check "$f" >"$tmp/found" 2>&1
done
expect 2 $vtr frobnicate "$t" 2>/dev/null
expect 2 $vtr dump -e no.such "$t" 2>/dev/null
expect 0 $vtr --help >"$tmp/found"
finish
