#!/bin/sh
# NEEDS: TIMEOUT=300 SUBJECT=grader KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# What grading/INSTRUCTOR.md prints is there: targets, variables, words of the grader, files.
# A class is graded, graded again and compared by its lines as they stand; a course can be
# made by the make that makes it.  The rest of its lines: course.sh.
. kernel/test/cases/lib.sh
built grader
sh tools/setup class && sh tools/setup course || exit 2
unset MAKEFLAGS MAKELEVEL SEED LAB DIR
page=grading/INSTRUCTOR.md

# Lines of blocks, and code in the text.
awk '/^```/ { on = !on; next } on { sub(/ +#.*/, ""); print; next }
	{ n = split($0, part, "`"); for (i = 2; i < n; i += 2) print part[i] }' $page >"$tmp/all"
makefiles=$(git ls-files | grep -E '(^|/)(Makefile|[a-z]+[.]mk)$')
grep '^make ' "$tmp/all" | tr ' ' '\n' | sed -n 's/=.*//p; /^[a-z][a-z-]*$/p' | sort -u | while read -r word; do
	case $word in
	make) ;;
	# shellcheck disable=SC2086
	[a-z]*) grep -qE "^([a-z -]* )?$word( [a-z -]*)?:" $makefiles || fail "no target $word" ;;
	# shellcheck disable=SC2086
	[A-Z]*) grep -qE "[(,]$word[,)]|^$word " $makefiles || fail "nobody asks for $word" ;;
	esac
done
build/grading/grade --help >"$tmp/help" 2>&1
sed -n 's/.*grade \([a-z]*\) .*/\1/p' "$tmp/all" | grep -v '^LAB' | sort -u | while read -r word; do
	grep -qE "(^|[ |])$word([ |]|$)" "$tmp/help" || fail "no grade $word"
done
grep -E '^(grading|labs|tools|kernel)/[a-z0-9/._-]+$' "$tmp/all" | grep -v cards | while read -r path; do
	[ -e "$path" ] || fail "no $path"
done

# In a folder that is this one, but for who handed in; results elsewhere.
mkdir "$tmp/here" && ln -s "$PWD"/* "$tmp/here/" && cd "$tmp/here" || exit 2
mkdir -p submissions/ada && printf '#error x\n' >submissions/ada/fork.c
printf 'int f(\n' >submissions/bob.c
export OUT="$tmp/class"
line() { # line BEGIN [NAMES]: as it is printed, with NAMES for OLD and NEW
	printed $page "$1" | sed "s| OLD NEW| ${2-}|" >"$tmp/line"
	[ -s "$tmp/line" ] && sh "$tmp/line" >"$tmp/said" 2>&1 || fail "$1: $(tail -n 3 "$tmp/said")"
}
line 'make grade-all'
grep -q '^2 submissions, 0 not graded: ' "$tmp/said" || fail "a class: $(cat "$tmp/said")"
line 'make regrade'
grep -q '^0 of 2 scores changed$' "$tmp/said" || fail "regraded: $(cat "$tmp/said")"
line 'sh grading/class/diff' "$(echo "$OUT".2*) $OUT"
grep -q '^0 of 2 scores changed$' "$tmp/said" || fail "compared: $(cat "$tmp/said")"
line 'make similar'
grep -q '^2 files with lines of their own$' "$tmp/said" || fail "alike: $(cat "$tmp/said")"
line 'make plan-class'
grep -q '^200 submissions, ' "$tmp/said" && grep -q '^4 hosts, ' "$tmp/said" || fail "planned: $(cat "$tmp/said")"
cd "$OLDPWD" || exit 2

# The key is in no folder of which others get parts, also if its name has a slash.
expect 64 sh grading/course/new-course "$tmp/os" "$tmp/os/.key" 00 >"$tmp/said" 2>&1
grep -q 'would lie in' "$tmp/said" || fail "a key: $(cat "$tmp/said")"
make -s -n new-course DIR="$tmp/os/" WITH=00 >"$tmp/said" 2>&1
grep -q "$tmp/os.key" "$tmp/said" || fail "a key: $(cat "$tmp/said")"

# What new-course makes by a make of its own: the make that calls has let the folder go.
make=$(command -v make)
mkdir "$tmp/bin"
cat >"$tmp/bin/make" <<END
#!/bin/sh
flock -w 9 "$tmp/build/.lock" true && echo free >"$tmp/free"
exit 1
END
chmod +x "$tmp/bin/make"
PATH=$tmp/bin:$PATH $make -s BUILD="$tmp/build" new-course DIR="$tmp/os" WITH=00 >"$tmp/said" 2>&1 &&
	fail "a course without a handout"
[ -e "$tmp/free" ] || fail "new-course waits for itself: $(tail -n 3 "$tmp/said")"
finish
