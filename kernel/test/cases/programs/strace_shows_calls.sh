#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: a pipeline's processes run on two CPUs
# strace -f of a shell's pipeline prints what it prints on Linux 6.1, addresses aside;
# rseq, which is not provided, says so.  strace.linux was recorded in the same machine.
. kernel/test/cases/lib.sh

at=kernel/test/cases/programs
host_programs strace
# Another busybox makes other calls.
now="$(strace -V | head -n 1); $(busybox | sed 's/ (.*//; 1q')"
recorded=$(sed -n 1p $at/strace.linux)
[ "$now" = "$recorded" ] || { echo "recorded with $recorded, skipped"; exit 0; }
cat >"$tmp/root/run" <<'END'
cd /tmp
exec </dev/null >/tmp/said
env -i PATH=/bin:/usr/bin strace -f -o /tmp/trace busybox sh -c \
    'echo hello | cat | wc -c; (exit 3) || kill -TERM $$'
echo "status $?" >&2
cat /tmp/trace >&2
END
expect 0 $guest $(root_words) -- /bin/sh /run >"$tmp/out" 2>&1
same 'status 143' "$(grep '^status' "$tmp/out")" "how the shell ended"
grep '^[0-9][0-9]* ' "$tmp/out" | awk -f $at/strace.awk >"$tmp/here"
sed -e 1d -e '/^rseq/s/= 0$/= -1 ENOSYS (Function not implemented)/' $at/strace.linux |
	diff - "$tmp/here" >"$tmp/diff" || fail "the traces differ: $(head -n 9 "$tmp/diff")"
finish
