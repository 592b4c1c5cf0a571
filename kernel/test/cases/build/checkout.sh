#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 TURN=3 SUBJECT=grader KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# Checkouts that are not as ours: cloned where git writes the line ends of
# Windows; in a folder, and with a TMPDIR, whose names have an apostrophe, blanks
# and a comma; and there with no run bit on any file.  It builds, grades and runs, and
# a guest gets the same bytes as elsewhere.
. kernel/test/cases/lib.sh
built image grader build/tools/run
unset MAKEFLAGS MAKELEVEL BUILD

cr=$(printf '\r')
git -c core.autocrlf=true clone -q --shared . "$tmp/clone" || fail "no clone"
grep -rlI --exclude-dir=.git "$cr" "$tmp/clone" >"$tmp/text"
same '' "$(head -n 5 "$tmp/text")" 'files with the line ends of Windows'
sed -i "s/\$/$cr/" "$tmp/clone/tools/setup"
make -s -C "$tmp/clone" setup >"$tmp/text" 2>&1 && fail "setup with other line ends"
grep -q 'line ends of Windows' "$tmp/text" || fail "line ends: $(cat "$tmp/text")"

odd="$tmp/it's a, test dir"
mkdir -p "$odd" "$tmp/tm'p, x" "$tmp/nosandbox"
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$odd"
find "$odd" -type f -exec chmod a-x {} +
tar -cf - --exclude=build/host --exclude=build/simfast --exclude=build/check \
	--exclude=build/kernel/test/progs build | tar -xf - -C "$odd"
here=$PWD
cd "$odd" || exit 2
TMPDIR="$tmp/tm'p, x"
export TMPDIR

# says TEXT COMMAND…: its output has that
says() {
	text=$1
	shift
	"$@" >"$tmp/text" 2>&1
	grep -q -e "$text" "$tmp/text" || fail "$*: $(tail -n 4 "$tmp/text")"
}
says '^make run' make -s help
touch kernel/lib/string.c kernel/user/*.c tools/image/list
rm build/grading/include/made
expect 0 make -s image build/grading/include/made >"$tmp/text"
[ -r build/grading/include/vm/map/map.h ] || fail "no headers of what is graded"
expect 0 cmp "$here/build/initrd.cpio" build/initrd.cpio

# A file of a student is judged by what is in it.
cp kernel/vm/map/vad.c "$TMPDIR/my vad's.c"
echo 'int vad_find(' >"$TMPDIR/bad.c"
says '^00-tour  0/.*seed' make -s grade LAB=00 TEST=t01
grep -q 'not written yet' "$tmp/text" || fail "the starter: $(cat "$tmp/text")"
says '^01-vad  8/8 ' make -s grade LAB=01 TEST=t01 SEED=7 FILE="$TMPDIR/my vad's.c"
expect 0 make -s kernel LAB=01 FILE="$TMPDIR/my vad's.c" >"$tmp/text" 2>&1
says 'can have no blanks' make -s kernel BUILD="$TMPDIR/b b"
says 'does not compile' build/grading/grade run 01 --test t01 --submission "$TMPDIR/bad.c"
# Nor is that so where bubblewrap does not work.
printf '#!/bin/sh\nexit 1\n' >"$tmp/nosandbox/bwrap"
chmod +x "$tmp/nosandbox/bwrap"
! in_full || PATH=$tmp/nosandbox:$PATH says '^01-vad  8/8 ' build/grading/grade run 01 --test t01 \
	--quiet --seed 7 --submission "$TMPDIR/my vad's.c"

# Machines with disks; the tests' own runner; the other emulator.
cp build/root.img "$TMPDIR/root.img"
says '^here$' $guest --root "$TMPDIR/root.img" --swap 24M -- echo here
if in_full; then
	make -s build/kernel/test/progs/t01_zero_fill >"$tmp/text" 2>&1
	says '^1 passed, 0 failed' build/tools/run t01_zero_fill@1
	says '^here$' $guest --emulator bochs --root "$TMPDIR/root.img" --swap 24M -- echo here
fi
left=$(find "$TMPDIR" -mindepth 1 -name '*.??????')
same '' "$left" 'left over'
finish
