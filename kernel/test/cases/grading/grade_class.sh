#!/bin/sh
# NEEDS: TIMEOUT=900 TURN=1,4 SUBJECT=grader KIND=bounded MORE=all
# BOUNDED: the grader's limits of the host's time stand behind it
# A class of hostile submissions: right scores; text of students is data in CSV and
# pages; killed and gone on with, and on two hosts: the same CSV.
. kernel/test/cases/lib.sh
built grader
sh tools/setup class || exit 2
export GRADE_LABS=grading/test/labs
good=kernel/vm/map/vad.c
dir=$tmp/in
mkdir "$dir" "$dir/folder" "$dir/two" "$dir/bin" "$dir/.git"
cp $good "$dir/good.c"
cp $good "$dir/folder/vad.c"
cp $good "$dir/two/a.c"
cp $good "$dir/two/b.c"
cp $good "$dir/-rf.c"
cp $good "$dir/$(printf 'a\nb"\047;touch pwned;$(touch pwned).c')"
cp $good "$dir/=cmd|x<script>alert(1)<.c"
sed 's/EVENT(vad_split, v->start, v->end, v->flags, v->off);/;/' $good >"$dir/bug.c"
printf '#error <script>"\n' >"$dir/$(printf 'esc\033[31m\377.c')"
: >"$dir/empty.c"
ln -s "$PWD/$good" "$dir/link.c"
mkfifo "$dir/fifo.c"
tar cf "$dir/archive.c" $good
gzip -c $good >"$dir/packed.tar.gz"
head -c 2000000 /dev/zero >"$dir/large.c"

class() { # class OUT
	sh grading/class/all smoke "$dir" "$1" >"$1.said" 2>&1
}
export JOBS=2
class "$tmp/a" || fail "class: $(tail -n 3 "$tmp/a.said")"
csv=$tmp/a/class.csv
row() { # row BEGIN: it stands there once
	same 1 "$(grep -cF -e "$1" "$csv")" "rows with $1"
}
row '"good.c",100,100,"graded",'
row '"folder",100,100,"graded",'
# A formula to some programs, so with an apostrophe.
row "\"'-rf.c\",100,100,\"graded\","
row '"a\x0Ab""'"';touch pwned;\$(touch pwned).c\",100,100,\"graded\","
row "\"'=cmd|x<script>alert(1)<.c\",100,"
row '"esc\x1B[31m\xFF.c",0,100,"does not build",'
row '"two",0,100,"not taken",'
row '"empty.c",0,100,"not taken",'
row '"link.c",0,100,"not taken",'
row '"fifo.c",0,100,"not taken",'
row '"archive.c",0,100,"not taken",'
row '"packed.tar.gz",0,100,"not taken",'
row '"large.c",0,100,"not taken",'
row '"bug.c",'
same 16 "$(wc -l <"$csv")" "lines of the CSV"
[ ! -e pwned ] || fail "a name was run"
grep -rl '<script' "$tmp/a"/*.html "$tmp/a/page" && fail "a tag of a student is one"
grep -rlP '\x1b' "$tmp/a"/*.html "$tmp/a"/*.csv "$tmp/a/page" "$tmp/a.said" && fail "a terminal obeys a student"
grep -q '^"90/t02","unmap-middle",5,7,1,"the mechanism was not used' "$tmp/a/tests.csv" ||
	fail "statistics: $(cat "$tmp/a/tests.csv")"
grep -q 'the starter as it was given' "$tmp/a/odd.html" || fail "nothing odd"

# Again: nothing is graded.  Another file of one student: that one, and diff says so.
class "$tmp/a"
[ ! -s "$tmp/a/todo" ] || fail "graded again: $(cat "$tmp/a/todo")"
cp -r "$tmp/a" "$tmp/old"
cp $good "$dir/bug.c"
class "$tmp/a"
same 1 "$(wc -l <"$tmp/a/todo")" "graded behind one new file"
sh grading/class/diff "$tmp/old" "$tmp/a" >"$tmp/diff"
grep -q '^bug.c  [0-9]* → 100  90/t02 fail → pass  (other: submission)$' "$tmp/diff" ||
	fail "diff: $(cat "$tmp/diff")"
grep -q '^1 of 15 scores changed$' "$tmp/diff" || fail "diff: $(cat "$tmp/diff")"

# Killed at three moments, then gone on with; on two hosts, one of which is not there
# at first: the same.
for s in 1 3 2; do
	setsid sh grading/class/all smoke "$dir" "$tmp/b" >/dev/null 2>&1 &
	pid=$!
	sleep $s
	kill -9 -$pid
	wait $pid 2>/dev/null
done
class "$tmp/b" || fail "gone on with: $(tail -n 3 "$tmp/b.said")"
cmp "$tmp/a/class.csv" "$tmp/b/class.csv" || fail "killed and gone on with: another CSV"
mkdir "$tmp/bin"
cat >"$tmp/bin/ssh" <<'EOS'
#!/bin/sh
# ssh -o BatchMode=yes HOST COMMAND
[ "$3" != gone ] || exit 255
exec sh -c "$4"
EOS
chmod +x "$tmp/bin/ssh"
PATH=$tmp/bin:$PATH SSHLOGIN='1/gone 1/here' class "$tmp/c"
same 3 $? "a host that is not there"
grep -q ',,,"not graded",' "$tmp/c/class.csv" || fail "not graded has a score"
PATH=$tmp/bin:$PATH SSHLOGIN='1/here :' class "$tmp/c" || fail "two hosts: $(tail -n 3 "$tmp/c.said")"
cmp "$tmp/a/class.csv" "$tmp/c/class.csv" || fail "two hosts: another CSV"
sh grading/class/all plan smoke "$tmp/c" 200 4 >"$tmp/plan" || fail "plan"
grep -q '^4 hosts, 2 at a time on each: ' "$tmp/plan" || fail "plan: $(cat "$tmp/plan")"
finish
