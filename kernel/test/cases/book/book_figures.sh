#!/bin/sh
# NEEDS: TIMEOUT=120 MORE=1 KIND=bounded
# BOUNDED: a page that is not loaded within 20 s of the host fails
# No text of a drawing leaves its box, in Chromium, wide and on a telephone; and a
# text that does is said, with chapter and figure.
. kernel/test/cases/lib.sh

sh tools/setup book-check && sh tools/setup book-browser || exit 2
measure=book/.vitepress/book/figures.mjs
ch01=book/part1-ground/ch01-what-a-fault-is.md

expect 0 node $measure >"$tmp/said"
grep -q '^book: .* 0 texts out of their boxes' "$tmp/said" || fail "$(cat "$tmp/said")"

# breaks EDIT PATTERN: the drawing of chapter 1, changed so
breaks() {
	rm -rf "$tmp/figures"
	cp -r book/figures "$tmp/figures" || exit 2
	sed -i "$1" "$tmp/figures/01-life-of-a-store.svg"
	cmp -s book/figures/01-life-of-a-store.svg "$tmp/figures/01-life-of-a-store.svg" && fail "$1 changes nothing"
	node $measure "$tmp/figures" >"$tmp/said" && fail "$1: nothing said"
	grep -q "^$ch01:[0-9]*: figure 01-life-of-a-store.svg: at 390 pixels $2" "$tmp/said" ||
		fail "$1: $(cat "$tmp/said")"
}
breaks 's/CR2, error code, vector 14/no translation: &/' '"no translation: .*" leaves its box by [0-9]* px'
breaks 's/x="330" y="70"/x="580" y="70"/' '".*once more" leaves the drawing by [0-9]* px'
breaks 's/x="24" y="168"/x="24" y="150"/' '"processor" lies on "CR2'
finish
