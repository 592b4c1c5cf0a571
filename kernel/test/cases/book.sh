#!/bin/sh
# NEEDS: TIMEOUT=200
# The book is true to the code: excerpts, numbers, links, parts of chapters.
. kernel/test/cases/lib.sh

tools/setup book-check || exit 2
node book/.vitepress/book/check.mjs || fail "make book-check says so"
finish
