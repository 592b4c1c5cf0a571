#!/bin/sh
# NEEDS: TIMEOUT=120
# The handout: the same bytes twice, no text of what is to be written, no debug
# sections, nothing of the instructor's; the starters and public tests are in it.
. kernel/test/cases/lib.sh

tools/handout "$tmp/a.tar.gz" "$BUILD" || fail "tools/handout"
tools/handout "$tmp/b.tar.gz" "$BUILD"
cmp "$tmp/a.tar.gz" "$tmp/b.tar.gz" || fail "two handouts differ"
tar -C "$tmp" -xzf "$tmp/a.tar.gz"
top=$tmp/vadose

for d in hidden mutants variants forgeries twists answers; do
	[ ! -e "$top/grading/$d" ] || fail "grading/$d is in it"
done
for conf in labs/*/lab.conf; do
	dir=${conf%/lab.conf}
	file=kernel/$(awk '$1 == "file" { print $2 }' "$conf")
	[ ! -e "$top/$file" ] || fail "$file is in it"
	[ -e "$top/$dir/${file##*/}" ] || fail "no starter in $dir"
	[ -e "$top/$dir/tests/t01.test" ] || fail "no tests in $dir"
	o=$top/labs/reference/${file%.c}.o
	readelf -S "$o" 2>/dev/null | grep -q debug && fail "$o has debug sections"
	# Lines of the solution that the starter does not have.
	awk 'NR == FNR { have[$0] = 1; next }
		!have[$0] && length($0) > 32 && /[=(]/ && !/^[ \t]*[*\/]/ {
			sub(/^[ \t]+/, ""); print
		}' "$dir/${file##*/}" "$file" | sort -u >"$tmp/lines"
	[ "$(wc -l <"$tmp/lines")" -gt 5 ] || [ "$dir" = labs/00-tour ] ||
		fail "$dir: nothing to look for"
	grep -rhoFf "$tmp/lines" "$top" --include='*.md' --include='*.html' \
		--include='*.patch' --include='*.txt' | sort -u >"$tmp/seen"
	[ ! -s "$tmp/seen" ] || fail "lines of $file: $(head -3 "$tmp/seen")"
done
finish
