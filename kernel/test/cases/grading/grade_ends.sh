#!/bin/sh
# NEEDS: TIMEOUT=600 MORE=all TURN=1,2 SUBJECT=grader KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# Each end has its name: loops, livelocks, deadlocks, panics, a triple fault, a
# leak; a file that does not compile or lacks a function; and trouble of the host
# (a killed emulator, a full disk, a missing emulator) costs no points.
. kernel/test/cases/lib.sh
built grader
grade=build/grading/grade
expect 0 $grade selftest --ends >"$tmp/ends"
grep WRONG "$tmp/ends" && fail "an end without its name"

GRADE_LABS=grading/test/labs
export GRADE_LABS
run() { # run STATUS FILE [COMMAND…]: grade FILE; its text is in $tmp/text
	want=$1 file=$2
	shift 2
	"$@" $grade run smoke --quiet --submission "$file" --test t02 >"$tmp/text" 2>&1
	got=$?
	[ $got = "$want" ] || fail "$file: status $got, expected $want: $(cat "$tmp/text")"
}
says() { grep -q "$1" "$tmp/text" || fail "not '$1': $(cat "$tmp/text")"; }

echo 'int vad_find(' >"$tmp/bad.c"
run 2 "$tmp/bad.c"
says 'the file does not compile or link'
says 'bad.c:1\|vad.c:1'
sed 's/^vad_merge(/static vad_merge_not(/; s/^vad_merge(/x(/' kernel/vm/map/vad.c |
	awk '/^struct vad \*$/ { held = $0; next }
		held != "" { if (/^static vad_merge_not/) { print "__attribute__((unused)) static struct vad *"; sub(/static /, "") } else print held; held = "" }
		{ print }' >"$tmp/less.c"
run 2 "$tmp/less.c"
says 'vad_merge.*the file does not define'

# Three tests of a step that ran to their limit: the fourth is not run.
sed '/^vad_find(/,/^{/ s/^{/{\n\tstatic volatile int on = 1;\n\n\twhile (on)\n\t\t;/' \
	kernel/vm/map/vad.c >"$tmp/hang.c"
GRADE_LABS=labs $grade run 01 --quiet --step 1 --submission "$tmp/hang.c" >"$tmp/text" 2>&1
same 1 $? "status of a file that hangs"
same 1 "$(grep -c 'not run: 3 before it ran to their limit' "$tmp/text")" "tests not run"

# A disk without room: where we build, there is 64 KiB.
small() {
	mkdir -p "$tmp/small"
	bwrap --bind / / --dev-bind /dev /dev --proc /proc --size 65536 \
		--tmpfs "$tmp/small" --setenv TMPDIR "$tmp/small" "$@"
}
if small true 2>/dev/null; then
	run 3 kernel/vm/map/vad.c small
	says 'not your fault'
	says 'is full'
fi

# No emulator in the path; one that is killed.
mkdir "$tmp/bin"
for p in sh gcc ld as nm awk sed readelf objcopy rm mv cut grep sort cat addr2line; do
	ln -s "$(PATH=/usr/bin:/bin command -v $p)" "$tmp/bin/$p"
done
run 3 kernel/vm/map/vad.c env PATH="$tmp/bin"
says "the host's trouble"

# A compiler that is a link to nothing, as a ccache without gcc is.
ln -s "$(command -v true)" "$tmp/bin/qemu-system-x86_64"
printf '#!/bin/sh\necho "no compiler behind me"; exit 1\n' >"$tmp/empty"
chmod +x "$tmp/empty" && ln -sf "$tmp/empty" "$tmp/bin/gcc"
run 3 kernel/vm/map/vad.c env PATH="$tmp/bin"
says 'no compiler behind me'
expect 0 $grade selftest --infra smoke >/dev/null
finish
