#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 SUBJECT=grader KIND=exact
# A newer compiler warns of more: no lab's build may stop at that, in make nor in
# the grader, nor at a large frame.  What is no C at all still does.
. kernel/test/cases/lib.sh
built grader

# A gcc that warns of everything, as if these came with -Wall and -Wextra.
mkdir "$tmp/bin"
# Behind it a ccache looks for the next gcc in the path: that is not this one.
cat >"$tmp/bin/gcc" <<EOF2
#!/bin/sh
PATH=$PATH exec $(command -v gcc) "\$@" -Wconversion -Wcast-qual -Wpadded -Wunused-parameter -Wunused-macros -Winline -Wc++-compat
EOF2
chmod +x "$tmp/bin/gcc"
awk '{ print } /^tour_index\(/ { in_it = 1 }
	in_it && /^{/ { print "\tint unused_by_all = va;"
		print "\tvolatile char page[2048];\n\n\tpage[va % 2048] = 0;"; in_it = 0 }' \
	labs/00-tour/tour.c >"$tmp/tour.c"
PATH=$tmp/bin:$PATH gcc -Wall -Ikernel -Ibuild/gen -c "$tmp/tour.c" -o "$tmp/o.o" 2>"$tmp/warns"
grep -q 'warning: ' "$tmp/warns" || fail "nothing to warn of: $(cat "$tmp/warns")"

# The kernel with the student's file, in a folder of its own.
PATH=$tmp/bin:$PATH make -s CC=gcc LAB=00 FILE="$tmp/tour.c" \
	build/labs/00-tour/tour.o >"$tmp/out" 2>&1 || fail "make: $(tail -n 3 "$tmp/out")"
rm -f build/labs/00-tour/file build/labs/00-tour/tour.o
PATH=$tmp/bin:$PATH build/grading/grade run 00 --quiet --test t01 \
	--submission "$tmp/tour.c" >"$tmp/out" 2>&1
[ $? = 1 ] || fail "grade: $(cat "$tmp/out")"
grep -q '^00-tour  0/20' "$tmp/out" || fail "grade: $(cat "$tmp/out")"
echo 'int x = ;' >>"$tmp/tour.c"
PATH=$tmp/bin:$PATH build/grading/grade run 00 --quiet --submission "$tmp/tour.c" >"$tmp/out" 2>&1
[ $? = 2 ] || fail "no C, and built: $(cat "$tmp/out")"
finish
