#!/bin/sh
# NEEDS: TIMEOUT=600 SHORT=1 TURN=6,2 SUBJECT=grader KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# The grader on its own small lab: the kernel's file gets all points, a stub
# none, a bug is said in words, attacks earn nothing, formats are what they are.
. kernel/test/cases/lib.sh
built grader build/grading/t_grade build/grading/t_gate \
	build/grading/t_mutation
for t in t_grade t_gate t_mutation; do
	build/grading/$t >"$tmp/unit" 2>&1 || fail "$t: $(tail -n 5 "$tmp/unit")"
done
GRADE_LABS=grading/test/labs
export GRADE_LABS
grade=build/grading/grade
expect 0 $grade lint

# All points, and the same twice but for times.
for n in 1 2; do
	expect 0 $grade run smoke --quiet --seed 7 --out "$tmp/$n" \
		--submission kernel/vm/map/vad.c --format text,json >"$tmp/text"
	grep -vE '"(duration_ms|wall_ms|started)"' "$tmp/$n/result.json" >"$tmp/$n/same"
done
grep -q '^90-smoke  100/100' "$tmp/text" || fail "no 100: $(cat "$tmp/text")"
cmp "$tmp/1/same" "$tmp/2/same" || fail "two runs differ"
# It fits the schema; other types, values and names do not.
expect 0 $grade validate "$tmp/1/result.json"
refused() {
	sed "$1" "$tmp/1/result.json" >"$tmp/other.json"
	$grade validate "$tmp/other.json" 2>"$tmp/text" && fail "taken: $1"
	grep -q "$2" "$tmp/text" || fail "$1: $(cat "$tmp/text")"
}
refused 's/"score": 100/"score": "100"/' '/score: of another type'
refused 's/"score": 100/"score": 101/' '/score: too large'
refused 's/"status": "pass"/"status": "passed"/' '/tests/0/status: none of the values'
refused 's/"trust": "full"/"trusted": "full"/' 'trust is missing'
refused 's/"wall_ms": [0-9]*/"wall_ms": 1.5/' '/tests/0/wall_ms: of another type'

# Where bubblewrap does not work, what is compiled sees our headers, too.
mkdir "$tmp/nosandbox"
printf '#!/bin/sh\nexit 1\n' >"$tmp/nosandbox/bwrap"
chmod +x "$tmp/nosandbox/bwrap"
PATH=$tmp/nosandbox:$PATH $grade run smoke --quiet --seed 7 --test t01 \
	--submission kernel/vm/map/vad.c >"$tmp/text" 2>&1 || fail "no sandbox: $(cat "$tmp/text")"
grep -q '^note: bubblewrap is missing' "$tmp/text" || fail "no bubblewrap: $(cat "$tmp/text")"

# A compiler that the host kills is not the file's fault.
printf '#!/bin/sh\necho "gcc: fatal error: Killed signal terminated program cc1" >&2\nexit 1\n' >"$tmp/nosandbox/gcc"
chmod +x "$tmp/nosandbox/gcc"
PATH=$tmp/nosandbox:$PATH expect 3 $grade run smoke --quiet --test t01 \
	--submission kernel/vm/map/vad.c >"$tmp/text"
grep -q 'cannot be built here (not your fault)' "$tmp/text" || fail "killed: $(cat "$tmp/text")"

# What is not understood is said, and nothing runs.
not_taken() {
	expect 64 $grade run smoke --quiet --submission kernel/vm/map/vad.c "$@" >"$tmp/text" 2>&1
	grep -q "^grade: $1" "$tmp/text" || fail "$*: $(cat "$tmp/text")"
}
not_taken --seed abc
not_taken --seed -1
not_taken --jobs 2x
not_taken --format json,jsn
not_taken --key README.md --out "$tmp/1"
expect 64 $grade mutate smoke --seed abc >"$tmp/text" 2>&1
expect 64 $grade bochs disks t01 >"$tmp/text" 2>&1
# There is no lab 01 where the grader looks: no time either.
expect 1 sh grading/speed 01 >"$tmp/speed" 2>&1
grep -q 'nothing was measured' "$tmp/speed" || fail "speed: $(cat "$tmp/speed")"
grep -q '92/t01 has a disk in memory' "$tmp/text" || fail "bochs: $(cat "$tmp/text")"

# A bug: the split is not counted because it is not made.
sed 's/EVENT(vad_split, v->start, v->end, v->flags, v->off);/;/' \
	kernel/vm/map/vad.c >"$tmp/bug.c"
$grade run smoke --quiet --submission "$tmp/bug.c" --test t02 >"$tmp/text"
[ $? = 1 ] || fail "bug: $(cat "$tmp/text")"
grep -q 'expected  vad.split == 1 in region "hole"' "$tmp/text" || fail "bug: $(cat "$tmp/text")"
grep -q 'look at   vad_split .*bug.c:' "$tmp/text" || fail "where: $(cat "$tmp/text")"
grep -q "again     make grade LAB=90 TEST=t02 SEED=[0-9]* FILE=$tmp/bug.c\$" "$tmp/text" ||
	fail "again: $(cat "$tmp/text")"
# In another layout, too, the file and the line are those of what was handed in.
awk '/^(static )?[a-z][a-z_ ]*[*]?$/ { printf "%s ", $0; next } { print }' "$tmp/bug.c" >"$tmp/wide.c"
$grade run smoke --quiet --submission "$tmp/wide.c" --test t02 >"$tmp/text"
want=$(awk '/ vad_split[(]/ { n = NR } /^{/ && n { print n; exit } /;/ { n = 0 }' "$tmp/wide.c")
grep -q "look at   vad_split .*wide.c:$want " "$tmp/text" || fail "layout, $want: $(cat "$tmp/text")"
# Hidden tests go with the test that they vary.  A kernel of somebody's own has no
# border: the verdict says so.
GRADE_LABS=labs $grade run 02 --quiet --kernel build/vadose.elf --test t03 \
	--hidden grading/hidden --out "$tmp/own" --format text,json >"$tmp/text"
grep -q '^02/h01 .*of 02/t03' "$tmp/text" || fail "hidden: $(cat "$tmp/text")"
grep -q '^note: .*nobody watched' "$tmp/text" || fail "--kernel: $(cat "$tmp/text")"
grep -q '"trust": "none"' "$tmp/own/result.json" || fail "--kernel: trust"
grep -q '"trust": "full"' "$tmp/1/result.json" || fail "no full trust"
GRADE_LABS=labs $grade run 02 --quiet --kernel build/vadose.elf --test t03 \
	--hidden "$tmp/none" 2>/dev/null && fail "hidden tests that are not there"

# What does not compile, and what is refused, is 2 with the reason.
echo 'int vad_find(' >"$tmp/bad.c"
expect 2 $grade run smoke --quiet --submission "$tmp/bad.c" >"$tmp/text"
grep -q 'does not compile' "$tmp/text" || fail "build: $(cat "$tmp/text")"
# Of a line that is wrong, what else is written there says nothing of the host or of limits.
echo 'retrun x; /* Cannot fork: out of memory */' >"$tmp/bad.c"
expect 2 $grade run smoke --quiet --submission "$tmp/bad.c" >"$tmp/text"
grep -q "error: .*retrun" "$tmp/text" || fail "build: $(cat "$tmp/text")"
# A text in one line: each message says where, and does not show all of it.
awk 'BEGIN { for (i = 0; i < 40; i++) printf "int f%d(void) { return x%d; } %*s", i, i, 4000, ""; print "" }' >"$tmp/bad.c"
expect 2 $grade run smoke --quiet --submission "$tmp/bad.c" >"$tmp/text"
same 40 "$(grep -c "vad.c:1:.*error: .x[0-9]*. undeclared" "$tmp/text")" "messages of one line"
# A header of one's own, beside the file.
printf '#include "mine.h"\n' >"$tmp/bad.c"
: >"$tmp/mine.h"
expect 2 $grade run smoke --quiet --submission "$tmp/bad.c" >"$tmp/text"
grep -q '^Only vad.c itself is taken' "$tmp/text" || fail "a header: $(cat "$tmp/text")"
# What the compiler takes and finds odd is told beside the verdict, and of our file nothing.
sed '/^vad_find(/,/^{/ s/^{/{\n\tuint64_t mine;\n\n\tif (mine == vpn)\n\t\treturn NULL;/' \
	kernel/vm/map/vad.c >"$tmp/odd.c"
$grade run smoke --quiet --submission "$tmp/odd.c" --test t01 >"$tmp/text"
grep -q "^  vad.c:.*warning: .mine. .*uninitialized" "$tmp/text" || fail "a warning: $(cat "$tmp/text")"
$grade run smoke --quiet --submission kernel/vm/map/vad.c --test t01 >"$tmp/text"
grep 'compiler warns' "$tmp/text" && fail "our own file: $(cat "$tmp/text")"
# The file of another lab; a builtin that is a call.
expect 2 $grade run smoke --quiet --submission kernel/vm/design/fmo/fork.c >"$tmp/text"
grep -q 'kernel/vm/design/fmo/fork.c has it: is this the file of another lab?' "$tmp/text" ||
	fail "another lab's file: $(cat "$tmp/text")"
sed '/^vad_find(/,/^{/ s/^{/{\n\tif (__builtin_popcountl(vpn) == 63)\n\t\tpanic("bits");/' \
	kernel/vm/map/vad.c >"$tmp/builtin.c"
expect 2 $grade run smoke --quiet --submission "$tmp/builtin.c" >"$tmp/text"
grep -q '^__popcountdi2: .*a builtin of the compiler calls it' "$tmp/text" ||
	fail "a builtin: $(cat "$tmp/text")"
some='f04 f28'
! in_full || some="$some f21 f22 f29 f31 f40"
for f in $some; do
	expect 0 $grade forgeries $f
done

# Each end of a boot has its name; a killed emulator costs no points.
$grade run ends --quiet --kernel build/vadose.elf --format json >"$tmp/ends"
for want in t01:deadlock t02:timeout t03:fail t04:fail t05:pass; do
	got=$(awk -v id="91/${want%:*}" '/"id":/ { me = index($0, id) }
		me && /"status":/ { gsub(/[",]/, "", $2); print $2; exit }' "$tmp/ends")
	[ "$got" = "${want#*:}" ] || fail "$want: '$got'"
done
grep -q 'waits\|for an event' "$tmp/ends" || fail "no wait graph"
expect 0 $grade selftest --infra smoke >/dev/null

# A machine that cannot be started is the host's trouble: a race test of which
# one schedule was not run has not passed; a gate and a hidden test that could
# not be run cost nothing.  Each test with a disk makes it by mke2fs.
lab=$tmp/labs/93-trouble
mkdir -p "$lab/tests" "$tmp/hidden/93-trouble" "$tmp/bin"
cp grading/test/labs/92-disks/lab.conf "$lab/lab.conf"
trouble() { # trouble FILE ID LINES
	printf 'NAME x\nID 93/%s\nTITLE A claim\nMEM 48M\nTIMEOUT 400M\n' "$2" >"$1"
	printf 'PROGRAM smoke --pages 4\nEXIT 0\nLOOK f2_map_file\nSTEP 1\n%b\n' "$3" >>"$1"
}
trouble "$lab/tests/t01.test" t01 'POINTS 60\nROOT 8M\nSCHED 4 2'
trouble "$lab/tests/t02.test" t02 'POINTS 0\nROOT 8M\nGATE'
trouble "$lab/tests/t03.test" t03 'POINTS 40'
trouble "$tmp/hidden/93-trouble/h01.test" h01 'PARENT 93/t03\nROOT 8M'
cat >"$tmp/bin/mke2fs" <<EOF
#!/bin/sh
echo >>"$tmp/calls"
case \$(wc -l <"$tmp/calls") in 3 | 4 | 5) echo "no room" >&2; exit 1 ;; esac
exec $(PATH=$PATH:/usr/sbin:/sbin command -v mke2fs) "\$@"
EOF
chmod +x "$tmp/bin/mke2fs"
GRADE_LABS=$tmp/labs PATH=$tmp/bin:$PATH $grade run trouble --quiet --jobs 4 --seed 7 \
	--kernel build/vadose.elf --hidden "$tmp/hidden" >"$tmp/text"
same 3 $? "status of a run with the host's trouble"
grep -q '^93-trouble  40/100' "$tmp/text" || fail "trouble: $(cat "$tmp/text")"
same 3 "$(grep -c "infra\|the host's trouble\$" "$tmp/text")" "tests that were not run"

# Disks in memory: the root's files, and swap; the witness counts requests.
disks='--test t01'
! in_full || disks=
# shellcheck disable=SC2086
expect 0 $grade run disks --quiet --kernel build/vadose.elf $disks >"$tmp/text"

# Interrupted, it leaves neither folders nor machines.
mkdir "$tmp/t"
signals=TERM
! in_full || signals='INT TERM HUP'
for sig in $signals; do
	TMPDIR=$tmp/t timeout -s $sig 4 env -u GRADE_LABS $grade mutants 01 \
		>/dev/null 2>&1
	[ $? = 124 ] || fail "$sig: it had ended already"
	[ -z "$(ls "$tmp/t")" ] || fail "$sig: $(ls "$tmp/t") is left over"
	sleep 1
	pgrep -f "$tmp/t/grade" >/dev/null && fail "$sig: a machine is left over"
done
finish
