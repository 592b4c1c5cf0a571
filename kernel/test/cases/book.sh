#!/bin/sh
# NEEDS: TIMEOUT=200
# The book is true to the code: excerpts, numbers, links, parts of chapters.
. kernel/test/cases/lib.sh

tools/setup book-check || exit 2
node book/.vitepress/book/check.mjs || fail "make book-check says so"

# The handout has neither answers nor spoilers, and needs neither.
BOOK_EDITION=handout node book/.vitepress/book/check.mjs >/dev/null || fail "EDITION=handout"
for page in book/part*/*.md; do
	BOOK_EDITION=handout node book/.vitepress/book/check.mjs --print "$page" >"$tmp/page"
	grep -nE 'class="(answer|box spoiler)"|<summary>' "$tmp/page" && fail "$page: not fit for a handout"
	grep -q 'class="box exercise"' "$tmp/page" || fail "$page: no exercises"
done
grep -l 'f4_break_fork(struct' "$tmp/page" && fail "the handout shows a function that lab 05 cuts"
finish
