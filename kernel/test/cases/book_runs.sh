#!/bin/sh
# NEEDS: TIMEOUT=200
# The numbers and transcripts of the book are those of this kernel.
. kernel/test/cases/lib.sh

for c in book/runs/*.c book/sessions/guest/*.c; do
	mkdir -p "$BUILD/book"
	musl-gcc -static -O2 -Ibook/runs "$c" -o "$BUILD/book/$(basename "$c" .c)" || exit 2
done
book/record --check "$BUILD" || fail "make book-check-runs says so"
finish
