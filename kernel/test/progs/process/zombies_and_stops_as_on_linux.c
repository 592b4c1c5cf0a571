/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A child that has ended has a priority until it is waited for.  Who ignores
 * SIGCHLD is not told of stops, not even of those that come while it is blocked.
 * (Found by random calls of signals and processes, beside Linux.)
 */
#include "lib/test.h"
#include <sys/resource.h>

static int
sleeper(void)
{
	EQ(setpriority(PRIO_PROCESS, 0, 7), 0);
	raise(SIGSTOP);
	_exit(3);
}

int
main(void)
{
	sigset_t chld, pending;
	siginfo_t si;
	pid_t pid;

	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &chld, NULL));
	pid = OK(fork());
	if (pid == 0)
		sleeper();
	OK(waitid(P_PID, (id_t)pid, &si, WSTOPPED));
	EQ(si.si_code, CLD_STOPPED);
	OK(sigpending(&pending));
	EQ(sigismember(&pending, SIGCHLD), 0);
	CHECK(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	OK(kill(pid, SIGCONT));
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	OK(sigpending(&pending));
	EQ(sigismember(&pending, SIGCHLD), 1);
	EQ(getpriority(PRIO_PROCESS, (id_t)pid), 7);
	OK(setpriority(PRIO_PROCESS, (id_t)pid, 9));
	EQ(getpriority(PRIO_PROCESS, (id_t)pid), 9);
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED));
	ERR(getpriority(PRIO_PROCESS, (id_t)pid), ESRCH);
	return test_done();
}
