#!/bin/sh
# NEEDS: TIMEOUT=900 MORE=all TURN=1,2 KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# The handout: the same bytes twice, no text of what is to be written, no debug
# sections, nothing of the instructor's.  It builds by itself; its starter gets
# nothing, the reference's bodies of a step that step's points.
. kernel/test/cases/lib.sh

make -s BUILD="$BUILD" handout-objs >"$tmp/make" 2>&1 || { cat "$tmp/make"; exit 2; }
sh tools/handout --changed "$tmp/a.tar.gz" "$BUILD" || fail "tools/handout"
sh tools/handout --changed "$tmp/b.tar.gz" "$BUILD"
cmp "$tmp/a.tar.gz" "$tmp/b.tar.gz" || fail "two handouts differ"
# Compiled anew, elsewhere: the same bytes.  For one commit of three, and in check-long.
if [ -n "$LONG" ] || [ "$(of_commit 3)" = 0 ]; then
	make -s BUILD="$tmp/b2" handout-objs >"$tmp/make" 2>&1
	sh tools/handout --changed "$tmp/c.tar.gz" "$tmp/b2" && cmp "$tmp/a.tar.gz" "$tmp/c.tar.gz" ||
		fail "another build gives another handout"
fi
# Only of what is committed: not with a lab that somebody has solved in its place,
# nor without a file that should be there.
git clone -q --shared . "$tmp/clone" && cp tools/handout "$tmp/clone/tools/"
refused() { # refused WORDS OPTION…
	words=$1
	shift
	(cd "$tmp/clone" && sh tools/handout "$@" "$tmp/d.tar.gz" build) >"$tmp/text" 2>&1 &&
		fail "packed: $words"
	grep -q "$words" "$tmp/text" || fail "$words: $(cat "$tmp/text")"
	[ ! -e "$tmp/d.tar.gz" ] || fail "an archive: $words"
}
cp kernel/vm/map/vad.c "$tmp/clone/labs/01-vad/vad.c"
refused '^handout: not as committed:.* labs/01-vad/vad.c'
rm "$tmp/clone/README.md"
refused 'README.md: Cannot stat' --changed
tar -C "$tmp" -xzf "$tmp/a.tar.gz"
top=$tmp/vadose

for d in hidden mutants variants forgeries twists answers test; do
	[ ! -e "$top/grading/$d" ] || fail "grading/$d is in it"
done
for conf in labs/*/lab.conf; do
	dir=${conf%/lab.conf}
	file=kernel/$(awk '$1 == "file" { print $2 }' "$conf")
	[ ! -e "$top/$file" ] || fail "$file is in it"
	[ -e "$top/$dir/${file##*/}" ] || fail "no starter in $dir"
	[ -e "$top/$dir/tests/t01.test" ] || fail "no tests in $dir"
	others=$top/labs/reference/${file#kernel/}
	others=${others%.c}.others.o
	# No object has this file's functions alone, and the lab's own has none.
	for o in "$top/labs/reference/all.o" "$others"; do
		readelf -S "$o" | grep -q debug && fail "$o has debug sections"
		nm "$o" | grep ' [a-z] ' && fail "$o has names of its own"
		[ "$(readelf -SW "$o" | grep -c ' [.]text')" = 1 ] ||
			fail "$o: functions in sections of their own"
	done
	nm -g --defined-only "$BUILD/handout/${file%.c}.o" | awk '{ print $3 }' |
		while read -r name; do
			nm -g --defined-only "$others" | grep -w "$name"
		done | grep . && fail "$others has the lab's own functions"
	o=$top/labs/reference/all.o
	# Lines of the solution that the starter does not have.
	awk 'NR == FNR { have[$0] = 1; next }
		!have[$0] && !/^[ \t]*[*\/]/ { sub(/^[ \t]+/, ""); if (length($0) > 20) print }' \
		"$dir/${file##*/}" "$file" | sort -u >"$tmp/lines"
	[ "$(wc -l <"$tmp/lines")" -gt 5 ] || fail "$dir: nothing to look for"
	grep -rhoFf "$tmp/lines" "$top/book" "$top/labs" "$top/grading" "$top/tools" \
		"$top/README.md" | sort -u >"$tmp/seen"
	# Short ones that stand everywhere in the kernel are no secret.
	while read -r line; do
		grep -rqF -e "$line" "$top/kernel" "$top"/labs/*/*.c || fail "a line of $file: $line"
	done <"$tmp/seen"
	find "$top/labs/reference" -name '*.o' ! -path "$o" ! -name '*.others.o' | grep . &&
		fail "an object beside the bundles"
	strings -n 12 "$o" | grep -Ff "$tmp/lines" && fail "texts of $file in its object"
done

# On a machine of its own: build, grade, write the first step, grade.
cd "$top" || exit 2
make -s grade LAB=01 STEP=1 >"$tmp/text" 2>&1
grep -q '^01-vad  0/25' "$tmp/text" || fail "the starter: $(tail -n 5 "$tmp/text")"
cd "$OLDPWD" || exit 2
build/tools/labcut --partial 1 labs/01-vad/cut.list kernel/vm/map/vad.c >"$top/labs/01-vad/vad.c"
make -s -C "$top" grade LAB=01 STEP=1 >"$tmp/text" 2>&1 || fail "step 1: $(tail -n 5 "$tmp/text")"
grep -q '^01-vad  25/25' "$tmp/text" || fail "step 1: $(tail -n 5 "$tmp/text")"
finish
