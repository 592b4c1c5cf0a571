#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 TURN=6 SUBJECT=teaching KIND=exact
# The numbers and transcripts of the book are those of this kernel; others are
# found, with the remedy.  What differs from reader to reader may differ.  In make
# check a third of them, others for another commit, and those that are made stale here.
. kernel/test/cases/lib.sh

built $(printf 'build/book/%s\n' $(basename -a -s .c book/runs/*.c book/sessions/guest/*.c))
drawn() {
	for f in book/runs/*.c book/sessions/guest/*.sh; do
		f=${f##*/}
		echo "${f%.*}"
	done | awk -v draw="$(of_commit 3)" '(NR + draw) % 3 == 0 || /^(ch01-first|10-words|05-maps)$/'
}
names=$(in_full || drawn)
# shellcheck disable=SC2086
sh book/record --check "$BUILD" $names || fail "make book-check says so"

# stale FILE SED WORDS: nothing runs again.
stale() {
	says=${4-is not what this kernel does}
	rm -rf "$tmp/book"
	mkdir -p "$tmp/book/sessions"
	cp -r book/runs "$tmp/book/"
	cp -r book/sessions/guest "$tmp/book/sessions/"
	sed -i "$2" "$tmp/book/$1"
	cmp -s "$tmp/book/$1" "book/$1" && fail "$2 changes nothing"
	# shellcheck disable=SC2086
	RECORDED=$tmp/book expect "$3" sh book/record --check "$BUILD" $names >"$tmp/said"
	[ "$3" = 0 ] && return
	grep -q "$1 $says" "$tmp/said" && grep -q '^remedy: make book-record' "$tmp/said" ||
		fail "$1: $(cat "$tmp/said")"
}
stale runs/ch01-first.counters 's/^rest fault.total .*/rest fault.total 64/' 1
stale runs/ch20-linux.counters '1s/of .*/of 0/' 1 'is of another program'
stale sessions/guest/10-words.out 's/refs=2/refs=3/' 1
stale sessions/guest/05-maps.out 's/ r-xp / rwxp /' 1
stale sessions/guest/05-maps.out 's/00585000/00586000/g;s/ 00:01 10 / 00:01 17 /' 0
finish
