#!/bin/sh
# NEEDS: TIMEOUT=300 SHORT=1 TURN=3 SUBJECT=grader KIND=bounded
# BOUNDED: it starts the emulators of the host
# Each piece is taken away in turn, or is too old: doctor and setup name it and
# its remedy.
. kernel/test/cases/lib.sh
bwrap --dev-bind / / true 2>/dev/null || { echo "no bubblewrap here"; exit 0; }
root=$PWD
# Debian's own folders: what is taken away there has no second form, as a ccache
# before it would be.
PATH=/usr/sbin:/usr/bin:/sbin:/bin

# without FILE COMMAND…: the same machine, but for this file.  Its folder is made
# of links to the real one's, which lies beside it.
without() {
	file=$(readlink -f "$(dirname "$1")")/${1##*/}
	shift
	dir=${file%/*}
	rm -rf "$tmp/farm" "$tmp/real"
	mkdir "$tmp/farm" "$tmp/real"
	find "$dir" -mindepth 1 -maxdepth 1 ! -name "${file##*/}" -printf "$tmp/real/%f\n" |
		xargs ln -s -t "$tmp/farm"
	bwrap --dev-bind / / --ro-bind "$dir" "$tmp/real" --bind "$tmp/farm" "$dir" \
		--chdir "$root" "$@"
}

# All packages that setup knows; in make check each fourth.
sed -n "/cat <<-'EOF'/,/^\tEOF/p" tools/setup | awk 'NF >= 3 && $2 ~ /^\// { print $1, $2 }' >"$tmp/list"
[ "$(wc -l <"$tmp/list")" -ge 18 ] || fail "setup's list: $(cat "$tmp/list")"
in_full || sed -i '1~4!d' "$tmp/list"
while read -r package file; do
	[ -e "$file" ] || continue
	without "$file" sh tools/setup --missing >"$tmp/out" 2>&1
	grep -qw -e "$package" "$tmp/out" || fail "$file taken away: $(cat "$tmp/out")"
done <"$tmp/list"

# doctor says so, and what to do.
without /usr/bin/musl-gcc env DOCTOR_ONLY=packages sh tools/doctor "$BUILD" >"$tmp/out" 2>&1
grep -q 'FAIL  all Debian packages' "$tmp/out" && grep -q 'run tools/setup' "$tmp/out" &&
	grep -q musl-tools "$tmp/out" || fail "packages: $(cat "$tmp/out")"

# old NAME OUTPUT PROBE REMEDY: a program that says it is of another version
mkdir "$tmp/bin"
old() {
	printf '#!/bin/sh\ncat <<E\n%s\nE\n' "$2" >"$tmp/bin/$1"
	chmod +x "$tmp/bin/$1"
	PATH=$tmp/bin:$PATH DOCTOR_ONLY=$3 sh tools/doctor "$BUILD" >"$tmp/out" 2>&1 &&
		fail "$1 $2 was taken"
	grep -q "FAIL  $3" "$tmp/out" && grep -q -e "$4" "$tmp/out" ||
		fail "$1 $2: $(cat "$tmp/out")"
	rm "$tmp/bin/$1"
}
old gcc 8.3.0 gcc 'apt-get install gcc'
old qemu-system-x86_64 'QEMU emulator version 5.2.0' qemu 'apt-get install qemu'
old node v16.20.0 node 'tools/setup book'
old bochs-bin 'Bochs x86 Emulator 2.6.11' 'bochs ' 'apt-get install bochs'
old bochs-bin 'Bochs x86 Emulator 2.7' 'its debugger: page' tools/bochs/facts

# A folder for what is short-lived in which no program may run: it is that which is
# at fault, no compiler.
mkdir "$tmp/noexec"
in_noexec() {
	unshare -rm sh -c 'mount -t tmpfs -o noexec none "$1" && shift && exec "$@"' \
		sh "$tmp/noexec" env TMPDIR="$tmp/noexec" "$@"
}
if in_noexec true 2>/dev/null; then
	DOCTOR_ONLY=programs in_noexec sh tools/doctor "$BUILD" >"$tmp/out" 2>&1
	grep -q 'FAIL  programs run in' "$tmp/out" && grep -q noexec "$tmp/out" &&
		grep -q 'ok    static programs by musl-gcc' "$tmp/out" ||
		fail "noexec: $(cat "$tmp/out")"
fi

# What the grader needs, one by one.
lacks() { # lacks PROGRAM LINE REMEDY
	without "$(command -v "$1")" build/grading/grade doctor >"$tmp/out" 2>&1
	grep -q "^$2.*MISSING" "$tmp/out" && grep -q -e "$3" "$tmp/out" ||
		fail "without $1: $(cat "$tmp/out")"
}
built grader
lacks qemu-system-x86_64 'QEMU  ' 'apt-get install qemu-system-x86'
lacks objdump objdump 'apt-get install binutils'
lacks gcc compiler 'apt-get install gcc'
lacks bwrap bubblewrap 'apt-get install bubblewrap'
without build/grading/witness.so build/grading/grade doctor >"$tmp/out" 2>&1
grep -q 'the witness.*MISSING' "$tmp/out" && grep -q 'make grader' "$tmp/out" ||
	fail "no witness: $(cat "$tmp/out")"
finish
