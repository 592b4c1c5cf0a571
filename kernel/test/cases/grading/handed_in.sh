#!/bin/sh
# NEEDS: TIMEOUT=120 SUBJECT=grader KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# Who handed in what: a file in a folder, beside what a Mac puts there; a clone of a
# repository; several files, none, a link.  Folders have blanks and quotes in their names.  What
# is not there is said, and costs no results.
. kernel/test/cases/lib.sh
built grader
sh tools/setup class || exit 2
unset MAKEFLAGS MAKELEVEL
export GRADE_LABS=grading/test/labs JOBS=2
dir="$tmp/handed in/it's \"all\"" out="$tmp/results of \$HOME"
put() { # put FILE TEXT
	mkdir -p "$dir/${1%/*}"
	printf '%b\n' "$2" >"$dir/$1"
}
put ada/solution.c '#error ada'
put ada/._solution.c '\000\005\026\007'
put ada/.DS_Store x
put bob/labs/90-smoke/vad.c '#error bob'
put bob/kernel/vm/map/vad.c '#error another'
put bob/tools/a.c '#error another'
put both/vad.c '#error both'
put both/test.c '#error another'
put both/labs/90-smoke/vad.c '#error another'
put linked/readme.txt x
ln -s ../bob/labs "$dir/linked/labs"
put mac/._vad.c '\000\005\026\007'
put 'the two/a.c' '#error a'
put 'the two/b.c' '#error b'
printf '\357\273\277#error marked' >"$dir/marked.c"
sh grading/class/all smoke "$dir" "$out//" >"$tmp/said" 2>&1 || fail "$(tail -n 3 "$tmp/said")"
csv=$out/class.csv
same 8 "$(wc -l <"$csv")" "lines of the CSV"
for who in ada bob both marked; do
	grep -q "error: #error $who" "$out/page/$who.html" || fail "$who: $(cat "$csv")"
done
for row in 'linked.*without the lab' 'mac.*without the lab' 'the two.*several files'; do
	grep -q "^\"$row" "$csv" || fail "$row: $(cat "$csv")"
done

# Nothing is graded twice; hidden tests that have come are a reason, and have columns.
sh grading/class/all smoke "$dir" "$out" >"$tmp/said" 2>&1
[ ! -s "$out/todo" ] || fail "graded again: $(cat "$out/todo")"
mkdir -p "$tmp/hid den/90-smoke"
printf 'NAME x\nID 90/h01\nTITLE A claim\nPARENT 90/t01\nPROGRAM smoke --pages 4\nEXIT 0\n' \
	>"$tmp/hid den/90-smoke/h01.test"
HIDDEN="$tmp/hid den" sh grading/class/all smoke "$dir" "$out" >"$tmp/said" 2>&1 ||
	fail "hidden: $(tail -n 3 "$tmp/said")"
same 4 "$(wc -l <"$out/todo")" "graded for the hidden tests"
head -n 1 "$csv" | grep -q ',90/h01$' || fail "hidden: $(head -n 1 "$csv")"

# One was graded before a test was mended.
sed -i 's/"tests_sha256": "..../"tests_sha256": "none/' "$out/done/bob.json"
sh grading/class/sheet "$out" >"$tmp/said" 2>&1 || fail "sheet: $(cat "$tmp/said")"
same 1 "$(grep -c 'with other tests' "$out/odd.html")" "graded otherwise: $(cat "$out/odd.html")"

# All of it anew, and what was is beside it; of a folder that is not there, nothing is touched.
put ada/solution.c '#error ada, again'
sh grading/class/all again smoke "$dir" "$out/" >"$tmp/said" 2>&1 || fail "anew: $(tail -n 3 "$tmp/said")"
grep -qx '0 of 7 scores changed' "$tmp/said" || fail "anew: $(cat "$tmp/said")"
grep -q '#error ada, again' "$out/page/ada.html" || fail "anew: $(cat "$csv")"
same 1 "$(find "$tmp" -maxdepth 1 -name 'results of *.2*' | wc -l)" "what was before"
for none in '' "$dir/nobody" "$dir/marked.c"; do
	expect 64 sh grading/class/all again smoke "$none" "$out" >"$tmp/said" 2>&1
	grep -q 'what was handed in' "$tmp/said" || fail "'$none': $(cat "$tmp/said")"
	[ -s "$csv" ] || fail "'$none': the results are gone"
done
expect 64 sh grading/class/all again smoke "$dir" "$tmp/none" >"$tmp/said" 2>&1

# A host that is not there costs no points, on no page.
mkdir "$tmp/bin"
printf '#!/bin/sh\nexit 255\n' >"$tmp/bin/ssh"
chmod +x "$tmp/bin/ssh"
put ada/solution.c '#error ada, late'
PATH=$tmp/bin:$PATH SSHLOGIN=1/gone expect 3 sh grading/class/all smoke "$dir" "$out" >"$tmp/said" 2>&1
grep -q '>–<td>not graded' "$out/index.html" && grep -q '<b>–</b> of 100, not graded' "$out/page/ada.html" ||
	fail "not graded: $(grep ada "$out/index.html")"

# What there is, is said where a name is none.
grade=build/grading/grade
expect 64 $grade run smokey >"$tmp/said" 2>&1
grep -q 'no lab smokey .*which has 90-smoke 91-ends' "$tmp/said" || fail "a lab: $(cat "$tmp/said")"
for command in run explain gdb; do
	case $command in run) set -- --test t77 ;; *) set -- t77 ;; esac
	expect 64 $grade $command smoke "$@" >"$tmp/said" 2>&1
	same 1 "$(grep -c 'has no test t77: they are t01 to t0[0-9]$' "$tmp/said")" "$command: $(cat "$tmp/said")"
done
finish
