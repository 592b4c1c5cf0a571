#!/bin/sh
# NEEDS: TIMEOUT=240 TURN=3 KIND=bounded
# BOUNDED: gdb and gdbserver run on two CPUs
# Debian's gdb, over a pipe to Debian's gdbserver, stops a program at a line, looks at
# it, steps, changes it, watches a variable and a call by debug registers, and sees its
# end.
. kernel/test/cases/lib.sh

host_programs gdb gdbserver
python=$(ls -d /usr/lib/python3.*/encodings | head -n 1)
python=${python%/encodings}
# gdb does not start without these parts of Python.
host_files "$python"/*.py "$python/encodings" "$python/collections" "$python/re" \
	"$python/importlib" /usr/share/gdb/python /usr/lib/locale/C.utf8
cat >"$tmp/prog.c" <<'EOT'
#include <stdlib.h>
static volatile int total;
static int
add(int n)
{
	total += n;
	return total * 2;
}
int
main(void)
{
	for (int i = 1; i <= 3; i++)
		add(i);
	exit(total + 1);
}
EOT
gcc -g -O0 -static "$tmp/prog.c" -o "$tmp/root/prog" || exit 2
cat >"$tmp/root/commands" <<'EOT'
set pagination off
set confirm off
break add
continue
backtrace
print n
next
print total
print $rip > 0x1000
x/1dw &total
set var total = 10
stepi
print total
finish
continue
delete
watch total
continue
hbreak add
continue
continue
delete
continue
EOT
cat >"$tmp/root/run" <<'EOT'
export PATH=/usr/bin:/bin HOME=/ LC_ALL=C.UTF-8
exec gdb -nx -q -batch -ex 'file /prog' -ex 'target remote | gdbserver --once - /prog' \
    -x /commands 2>&1
EOT
expect 0 $guest --memory 512M $(root_words) -- /bin/sh /run >"$tmp/out" 2>"$tmp/err"
same 'Breakpoint 1, add (n=1) at prog.c:6
#0  add (n=1) at prog.c:6
#1  main () at prog.c:13
$1 = 1
$2 = 1
$3 = 1
<total>:	1
$4 = 10
Value returned is $5 = 20
Breakpoint 1, add (n=2) at prog.c:6
Hardware watchpoint 2: total
Hardware watchpoint 2: total
Old value = 10
New value = 12
Breakpoint 3, add (n=3) at prog.c:6
Hardware watchpoint 2: total
Old value = 12
New value = 15
[Inferior 1 (process N) exited with code 020]' \
"$(sed -n -e "s/ at [^ ]*prog\.c:/ at prog.c:/; s/0x[0-9a-f]* in //; s/^0x[0-9a-f]* <total/<total/
s/(process [0-9]*)/(process N)/; s/ from .*//" \
	-e '/^Breakpoint [13], /p; /^Hardware watch/p; /^Old/p; /^New/p; /^#/p' \
	-e '/^\$/p; /^<total/p; /^Value/p; /exited/p' \
	"$tmp/out")" "what gdb said"
cat "$tmp/err"
finish
