/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * restart_syscall goes on with the call that a stop has just interrupted, and
 * with no other: what was interrupted before a handler ran is over.
 */
#include "lib/alarms.h"
#include <sys/syscall.h>

static int fd[2];

/* Its own call waits too, with its arguments on a stack that is left soon. */
static void
outer(int signo)
{
	struct pollfd p = { fd[0], POLLIN, 0 };

	(void)signo;
	alarms(20000);
	ERR(poll(&p, 1, 10000), EINTR);
	alarms(0);
}

static void
interrupt_sleep(void)
{
	struct timespec ts = { 10, 0 };

	alarms(20000);
	ERR(nanosleep(&ts, NULL), EINTR);
	alarms(0);
}

int
main(void)
{
	struct sigaction sa = { .sa_handler = nothing };

	OK(pipe(fd));
	ERR(syscall(SYS_restart_syscall), EINTR);
	OK(sigaction(SIGALRM, &sa, NULL));
	interrupt_sleep();
	ERR(syscall(SYS_restart_syscall), EINTR);
	sa.sa_handler = outer;
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(raise(SIGUSR1));
	EQ(write(fd[1], "x", 1), 1); /* a poll that went on would answer 1 */
	ERR(syscall(SYS_restart_syscall), EINTR);
	return test_done();
}
