#!/bin/sh
# NEEDS: TIMEOUT=900 TURN=1,4 SUBJECT=grader KIND=bounded MORE=all
# BOUNDED: the grader's limits of the host's time stand behind it
# A class of hostile submissions: right scores; text of students is data in CSV and
# pages; what runs for ever, fills memory or prints without end leaves the host its room;
# killed and gone on with, and on two hosts: the same CSV.
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
# Sixty, and a hidden one: most are refused before anything boots.  Six more are bombs.
says() { # says NAME TEXT: the good file with a line more
	{ cat $good; printf '%b\n' "$2"; } >"$dir/$1.c"
}
broken() { # broken NAME TEXT: a file of that
	printf '%b\n' "$2" >"$dir/b-$1.c"
}
says comment '/* <script>\t,"=cmd\351\240\200 */'
says static 'static const char text[] __attribute__((unused)) = "]]>&<script>";'
cp grading/test/labs/90-smoke/vad.c "$dir/starter.c"
broken nothing '/* nothing */'
broken bytes '\377\376\001\033]0;title\007'
broken bidi '#error \342\200\256 txet'
broken formula '#error =HYPERLINK("http://x")'
broken tab '#error \t=1+1\t-1'
broken cdata '#error ]]><failure/> %s%n ::error::x'
broken newline '#error a\r\n::set-output name=x::y'
broken end '}'
broken begin 'int f(void) {'
broken include '#include "/etc/passwd"'
broken zero '#include "/dev/zero"'
broken self '#include __FILE__'
broken missing '#include "nowhere.h"'
broken asm '__asm__(".incbin \\"/etc/shadow\\"");'
broken asmspace '__asm__(".space 1<<40");'
broken array 'char big[1ul << 60] = { 1 };'
broken data 'char big[1 << 30] = { 1 };'
broken depth "$(printf '(%.0s' $(seq 3000))"
broken macro '#define A(x) x x x x x x x x\n#define B(x) A(A(A(A(A(A(A(A(x))))))))\nint i = B(B(1));'
broken output '#define W _Pragma("GCC warning \\"x\\"")\n#define X W W W W W W W W\n#define Y X X X X X X X X\n#define Z Y Y Y Y Y Y Y Y\nZ Z Z Z'
broken fork '#pragma GCC plugin "fork"\n:(){ :|:& };:'
broken main 'int main(void) { for (;;) fork(); }'
broken python 'while True: pass'
broken html '<!doctype html><script>alert(1)</script>'
for name in CON con .hidden 'a b' '%2e%2e' "it's" '&amp;' '{}' '*' '~' '#' 'x.json'; do
	printf '#error x\n' >"$dir/$name.c"
done
for magic in 'PK\003\004' 'BZh' 'Rar!' '\3757zXZ'; do
	printf "$magic" >"$dir/packed$(printf "$magic" | od -An -tx1 | tr -d ' \n').c"
done
bomb() { # bomb NAME DECLARATIONS STATEMENTS: where a range is cut in its middle, in t02
	DECL=$2 DO=$3 awk '/^\/\* Cut \[lo, hi\) out of the tree/ { print ENVIRON["DECL"] }
		/^\t\/\* reserve \*\/$/ { print "\tif (cut_lo && cut_hi) {\n" ENVIRON["DO"] "\n\t}" }
		{ print }' $good >"$dir/run-$1.c"
}
bomb loop 'static volatile int on = 1;' 'while (on) ;'
bomb deep 'static volatile uint64_t depth;
static uint64_t deeper(uint64_t n) { return depth == n ? n : deeper(n + 1) + depth; }' 'depth = deeper(1);'
bomb frames '' 'while (phys_alloc(PHYS_RESERVED, PHYS_ANY) != NULL) ;'
bomb output '' 'for (;;) klog("::error::\033[31m<script> and so on and on, for ever and ever");'
bomb sleep '' '(void)sleep_until(WAIT_FOREVER, WAIT_PLAIN);'
bomb panic '#include "lib/string.h"
static char text[100000];' 'memset(text, 60, sizeof(text) - 1); panic("%s", text);'
ln -s / "$dir/root"
ln -s nowhere "$dir/nowhere.c"
mkfifo "$dir/folder2.c"

class() { # class OUT
	sh grading/class/all smoke "$dir" "$1" >"$1.said" 2>&1
}
load() { # load PID: processes behind it, their KiB, KiB of its work; as long as it is there
	while kill -0 "$1" 2>/dev/null; do
		ps -eo pid=,ppid=,rss= | awk -v top="$1" -v disk="$(du -skc "$TMPDIR" "$tmp/a" 2>/dev/null | tail -n 1)" '
			{ of[$1] = $2; kib[$1] = $3 }
			END { for (p in of) { for (q = p; q in of && q != top; q = of[q]) ;
				if (q == top) { n++; sum += kib[p] } }
				print n + 0, sum + 0, disk + 0 }'
		sleep 0.3
	done
}
export JOBS=2 TMPDIR="$tmp/work"
mkdir "$TMPDIR"
class "$tmp/a" &
load $! >"$tmp/load"
wait $! || fail "class: $(tail -n 3 "$tmp/a.said")"
csv=$tmp/a/class.csv
# What grading/INSTRUCTOR.md says, for two at a time: two compilers' limits are the most.
peak=$(awk '{ for (i = 1; i <= 3; i++) if ($i > m[i]) m[i] = $i }
	END { printf "%d processes, %d MiB of memory, %d MiB of disk\n", m[1], m[2] / 1024, m[3] / 1024 }' "$tmp/load")
echo "$peak" | awk '$1 > 60 || $3 > 2500 || $7 > 600 { exit 1 }' || fail "the host: $peak"
same "" "$(ls "$TMPDIR")" "left over"
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
same 67 "$(wc -l <"$csv")" "lines of the CSV"
same 24 "$(grep -c '^"b-[a-z]*[.]c",0,' "$csv")" "broken ones without points"
same 15 "$(grep -c ',0,100,"not taken",' "$csv")" "not taken"
row '"comment.c",100,100,"graded",'
row '"static.c",100,100,"graded",'
same 6 "$(grep -c '^"run-[a-z]*[.]c",60,100,"graded",' "$csv")" "bombs with the points of t01"
[ "$(cat "$tmp"/a/page/run-panic* | wc -c)" -lt 10000 ] || fail "a page as long as a panic's text"
grep -qP '^\t|,"[=+@-]|\xE2\x80\xAE' "$csv" && fail "a cell that is computed or turned round"
[ ! -e pwned ] || fail "a name was run"
grep -rl '<script' "$tmp/a"/*.html "$tmp/a/page" && fail "a tag of a student is one"
grep -rlP '\x1b' "$tmp/a"/*.html "$tmp/a"/*.csv "$tmp/a/page" "$tmp/a.said" && fail "a terminal obeys a student"
grep -q '^"90/t02","unmap-middle",8,51,2,"panic"' "$tmp/a/tests.csv" ||
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
grep -q '^1 of 66 scores changed$' "$tmp/diff" || fail "diff: $(cat "$tmp/diff")"

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
