#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# The first program waits for its own group, whose number is 1; its end is told.
. kernel/test/cases/lib.sh

cat >"$tmp/first.c" <<'EOF2'
#include <sys/wait.h>
#include <unistd.h>
int
main(void)
{
	siginfo_t si;
	pid_t pid = fork();
	if (pid == 0)
		_exit(5);
	if (getpid() != 1 || getpgrp() != 1)
		return 1;
	if (waitid(P_PGID, 1, &si, WEXITED) != 0 || si.si_pid != pid)
		return 2;
	return si.si_status == 5 ? 42 : 3;
}
EOF2
musl-gcc -static -O2 "$tmp/first.c" -o "$tmp/first" || exit 2
$guest --log "$tmp/log" \
	--append init=/bin/first --add "$tmp/first:/bin/first" -- /bin/first \
	>/dev/null 2>&1
same "init: exited with status 42" "$(grep -ao 'init: exited.*' "$tmp/log")" \
	"the end of the first program"

# One that is killed says so, though all else is quiet.
cat >"$tmp/killed.c" <<'EOF2'
int
main(void)
{
	*(volatile int *)8 = 1;
	return 0;
}
EOF2
musl-gcc -static -O2 "$tmp/killed.c" -o "$tmp/killed" || exit 2
$guest --log "$tmp/log" \
	--append quiet --append init=/bin/killed --add "$tmp/killed:/bin/killed" \
	-- /bin/killed >/dev/null 2>"$tmp/err"
same 125 $? 'status of one that is killed'
same "init: killed by signal 11" "$(grep -ao 'init: .*' "$tmp/log")" \
	"the end of one that is killed"
grep -q 'the first program was killed' "$tmp/err" || fail "$(cat "$tmp/err")"
finish
