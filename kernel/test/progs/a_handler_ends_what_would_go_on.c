/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 */
/*
 * restart_syscall goes on with the call that a stop has just interrupted, and
 * with no other: what was interrupted before a handler ran is over.
 */
#include "lib/test.h"
#include <sys/syscall.h>

static int fd[2];

static void
nothing(int signo)
{
	(void)signo;
}

/* Its own call waits too, with its arguments on a stack that is left soon. */
static void
outer(int signo)
{
	const struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
	struct pollfd p = { fd[0], POLLIN, 0 };

	(void)signo;
	OK(setitimer(ITIMER_REAL, &soon, NULL));
	ERR(poll(&p, 1, 10000), EINTR);
}

static void
interrupt_sleep(void)
{
	const struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
	struct timespec ts = { 10, 0 };

	OK(setitimer(ITIMER_REAL, &soon, NULL));
	ERR(nanosleep(&ts, NULL), EINTR);
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
