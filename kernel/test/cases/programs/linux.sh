#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 TURN=6,2 KIND=bounded
# BOUNDED: Linux is that of the host
# Linux is the reference: the programs pass there too, with the same output.  In
# make check those that ask for at most half a minute.
. kernel/test/cases/lib.sh

word() { sed -n "1s/.* $1=\([^ ]*\).*/\1/p" "$2" | tr : ' '; }

[ "$(uname -s)" = Linux ] || exit 0
ulimit -c 0 # a core would stay in a folder that must be empty
for src in kernel/test/progs/*/*.c; do
	case $src in */accept/*) continue ;; esac
	name=$(basename "$src" .c)
	[ -n "$(word LONG "$src")" ] && [ -z "$LONG" ] && continue
	[ "$(word LINUX "$src")" != no ] || continue
	limit=$(word TIMEOUT "$src")
	in_full || [ "${limit:-60}" -le 30 ] || continue
	# Some programs drop root's rights, so they need them first.
	[ "$(id -u)" = 0 ] || ! grep -q 'setuid\|setgid\|chroot' "$src" || continue
	want=$(word EXPECT "$src")
	[ "${limit:-60}" -gt 120 ] || limit=120
	timeout "$limit" "$BUILD/kernel/test/progs/$name" $(word ARGS "$src") \
		>"$tmp/out" 2>"$tmp/err" </dev/null
	same "${want:-0}" $? "status of $name: $(tail -n 2 "$tmp/out")"
	[ ! -e "${src%.c}.expected" ] ||
		cmp -s "${src%.c}.expected" "$tmp/out" || fail "output of $name"
done
# The random operations at full size, with other seeds than in the guest.
steps=200000
in_full || steps=20000
for seed in 5 6; do
	"$BUILD/kernel/test/progs/rand_vm" $seed $steps >"$tmp/out" ||
		fail "rand_vm $seed: $(cat "$tmp/out")"
done
finish
