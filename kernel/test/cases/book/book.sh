#!/bin/sh
# NEEDS: TIMEOUT=200 KIND=exact
# The book is true to the code: excerpts, numbers, links, parts of chapters.
. kernel/test/cases/lib.sh

sh tools/setup book-check || exit 2
node book/.vitepress/book/check.mjs || fail "make book-check says so"

# The handout has neither answers nor spoilers, and needs neither.
BOOK_EDITION=handout node book/.vitepress/book/check.mjs >/dev/null || fail "EDITION=handout"
BOOK_EDITION=handout node book/.vitepress/book/check.mjs --print book/part*/*.md >"$tmp/pages"
awk '/^==> book\// { page = $2; exercises[page] = 0; next }
	/class="(answer|box spoiler)"|<summary>/ { print page ": not fit for a handout: " $0; bad = 1 }
	/class="box exercise"/ { exercises[page]++ }
	END {
		for (page in exercises) {
			pages++
			if (exercises[page] == 0) { print page ": no exercises"; bad = 1 }
		}
		exit bad || pages < 10
	}' "$tmp/pages" || fail "EDITION=handout"
grep 'f4_break_fork(struct' "$tmp/pages" && fail "the handout shows a function that lab 05 cuts"
finish
