#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: a debugger stops a machine beside the clock of the host
# What gdb's vm commands say of a stopped machine is what the kernel says, and a
# planted lie is found.
. kernel/test/cases/lib.sh

wait_for_socket() {
	for try in $(seq 120); do
		socket=$(sed -n "s/.*target remote \([^']*\)'.*/\1/p" "$tmp/err")
		[ -S "$socket" ] && break
		sleep 0.5
	done
}

$guest --cpus 1 --memory 64M --append norandom=1 --add "$BUILD/kernel/test/progs/gdb_view:/t/" \
	--gdb -- /t/gdb_view >"$tmp/maps" 2>"$tmp/err" &
pid=$!
at_end='kill $pid 2>/dev/null'
wait_for_socket
cat >"$tmp/script" <<END
set pagination off
target remote $socket
thbreak ev_mark if id == 1
continue
echo ==vads\n
vm vads
echo ==private\n
vm pte 0x100000000000
echo ==copied\n
vm pte 0x100000001000
echo ==soft\n
vm pte 0x100000003000
echo ==absent\n
vm pte 0x100000002000
echo ==shared\n
vm pte 0x110000001000
echo ==whyread\n
vm why 0x100000000000
echo ==whyabsent\n
vm why '0x100000000000 + 2 * 4096'
echo ==whynone\n
vm why 16
echo ==fmo\n
vm fmo
echo ==queues\n
vm queues
echo ==ws\n
vm ws
echo ==check\n
vm check
echo ==counters\n
vm counters fork.calls
set var \$as = (struct aspace *)0
python gdb.execute('set var \$as = (struct aspace *)%d' % int(space()))
set var \$as->words.priv = \$as->words.priv + 3
set var \$as->map.nvads = \$as->map.nvads - 1
echo ==lie\n
vm check
set var \$as->words.priv = \$as->words.priv - 3
set var \$as->map.nvads = \$as->map.nvads + 1
echo ==again\n
vm check
echo ==wrong\n
vm pte
thbreak vm_user_fault
continue
echo ==trap\n
backtrace
END
timeout 100 gdb -q -nx --batch -x tools/gdb/vadose.py -x "$tmp/script" "$BUILD/vadose.elf" >"$tmp/out" 2>&1 ||
	fail "gdb: $(tail -n 5 "$tmp/out")"
wait $pid
same 0 $? "status of the guest: $(cat "$tmp/err")"

part() { sed -n "/^==$1\$/,/^==/p" "$tmp/out" | grep -v '^=='; }
# has PART PATTERN
has() { part "$1" | grep -q -e "$2" || fail "$1: '$2' is not in: $(part "$1")"; }

# The mappings: ranges and rights of the kernel's own text.
part vads | sed 's/^0*//; s/-0*/-/' | cut -d' ' -f1,2 >"$tmp/gdb.maps"
sed 's/^0*//; s/-0*/-/' "$tmp/maps" | cut -d' ' -f1,2 >"$tmp/kernel.maps"
[ -s "$tmp/kernel.maps" ] && cmp -s "$tmp/gdb.maps" "$tmp/kernel.maps" ||
	fail "vads: $(diff "$tmp/gdb.maps" "$tmp/kernel.maps")"
has private 'src FORK'
# The largest number is no number of pages.
has ws 'at least [0-9]* stay, no upper limit$'
has private 'home FMO'
has soft 'FORK entry 0x'
has copied 'P W U A NX D src PRIV'
has copied 'home PTE'
has shared 'home AOBJ'
part absent | grep -q '^page' && fail "a page where nothing was touched"
has whyread '^store  F4 break fork'
has whyabsent '^load   F1z'
has whyabsent '^store  F1 zero-fill'
has whynone 'SIGSEGV'
has fmo '2 processes'
has queues '^ACTIVE  *[1-9]'
has check '^0 findings'
has counters '^fork.calls [1-9]'
has lie 'words.priv: .* are there'
has lie 'nvads: .* are there'
has lie '^2 findings'
has again '^0 findings'
has wrong '^vm pte ADDR'
has trap ' trap '

# Chains of objects: the parent's top and the child's are in front of one object.
$guest --design shadow --cpus 1 --memory 64M --append norandom=1 \
	--add "$BUILD/kernel/test/progs/gdb_view:/t/" --gdb -- /t/gdb_view >"$tmp/maps" 2>"$tmp/err" &
pid=$!
wait_for_socket
cat >"$tmp/script" <<END
set pagination off
target remote $socket
thbreak ev_mark if id == 1
continue
echo ==shadow\n
vm shadow
detach
END
timeout 100 gdb -q -nx --batch -x tools/gdb/vadose.py -x "$tmp/script" "$BUILD/vadose.elf" >"$tmp/out" 2>&1 ||
	fail "gdb: $(tail -n 5 "$tmp/out")"
wait $pid
same 0 $? "status of the guest: $(cat "$tmp/err")"
part shadow | sed -n '/^100000000000-100000008000$/{n;N;p;}' >"$tmp/chain"
grep -q '^  top 0x[0-9a-f]*: 1 pages$' "$tmp/chain" || fail "top: $(part shadow)"
grep -q '^ .*0x[0-9a-f]*: 3 pages, 2 children$' "$tmp/chain" || fail "behind it: $(part shadow)"
finish
