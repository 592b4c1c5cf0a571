#!/bin/sh
# NEEDS: TIMEOUT=700 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# A36, d08 (T20 waits for two minutes: when LONG): with 32 MiB, and each seventh
# frame refused, programs under pressure end, their bytes are right, and the
# frames that the paging path may need are there at any time; a kernel without
# its reserve fails the same test; so it is under fmo, and under shadow, whose seed
# asks for it.  Who dies may take from it, and does: in make
# check that alone.
. kernel/test/cases/lib.sh

progs=$BUILD/kernel/test/progs

# pressed SECONDS BESIDE APPEND…: T19, and T20 or nothing; what they leave
pressed() {
	limit=$1
	beside=$2
	shift 2
	for word; do set -- "$@" --append "$word"; shift; done
	cat >"$tmp/script" <<'END'
[ "$1" != T20 ] || /t/t20_fork_under_pressure >/t/out20 2>&1 &
/t/t19_swap_integrity >/t/out19 2>&1 &
sleep 3
echo FI_FRAME:7:7:1000000000 >/proc/vm/inject
wait
# The shell, too, may be refused a frame.
until echo off >/proc/vm/inject; do :; done
grep -E '^page.reserve_(min|allocs) |^fault.waited ' /proc/vm/events
# Its own vm_check may have got no memory: it is asked again.
grep -v 'vm_check(2): expected no findings, seen errno 12' /t/out19 |
	cmp - /t/expected || { cat /t/out19; exit 1; }
echo 2 >/proc/vm/check || exit 2
# The frames of the reserve (book: deadlock), unless the paging path itself has taken some.
min=0 allocs=0
while read -r name value; do
	case $name in
	page.reserve_min) min=$value ;;
	page.reserve_allocs) allocs=$value ;;
	esac
done </proc/vm/events
[ $min -ge 64 ] || [ $allocs -gt 0 ] || exit 3
exit 0
END
	$GUEST --kernel "$BUILD/vadose.elf" --timeout "$limit" --memory 32M \
		--swap 256M --cpus 4 --log "$tmp/log" "$@" \
		--add "$progs/t20_fork_under_pressure:/t/" \
		--add "$progs/t19_swap_integrity:/t/" \
		--add kernel/test/progs/conform/t19_swap_integrity.expected:/t/expected \
		--add "$tmp/script:/script" -- sh /script "$beside" >"$tmp/out" 2>&1
}

if in_full; then
	pressed 900 "${LONG:+T20}"
	same 0 $? "status with the reserve"
	cat "$tmp/out"
	[ $failures = 0 ] || tail -n 20 "$tmp/log"
	pressed 900 '' vmm=shadow
	same 0 $? "status with the reserve, under shadow"
	cat "$tmp/out"
fi
# A slow disk leaves nothing on standby.
rounds=8
truncate -s 256M "$tmp/swap" || exit 2
slow="file=$tmp/swap,throttling.iops-write=100"
$guest --memory 32M --cpus 4 \
	--disk "virtio:$slow" --log "$tmp/log" \
	--add "$progs/dying_use_the_reserve:/t/" -- sh -c 'mkswap /dev/vda >/dev/null &&
	swapon /dev/vda && /t/dying_use_the_reserve '"$rounds"' &&
	grep ^page.reserve /proc/vm/events' \
	>"$tmp/out" 2>&1
same 0 $? "status with a slow disk"
cat "$tmp/out"
in_full || finish
# That one may also come to a stop.
pressed 100 '' reserve=0 && fail "a kernel without a reserve passes"
cat "$tmp/out"
pressed 100 '' vmm=shadow reserve=0 && fail "under shadow a kernel without a reserve passes"
cat "$tmp/out"
finish
