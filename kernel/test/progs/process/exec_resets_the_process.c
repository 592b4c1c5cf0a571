/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * exec: caught signals become default, ignored ones stay, mask and pending
 * set stay, CLOEXEC descriptors close, memory is new, pid stays, other
 * threads end, the alternate stack is gone.
 */
#include "lib/test.h"
#include <pthread.h>
#include <sys/auxv.h>

static void
handler(int signo)
{
	(void)signo;
}

static void *
sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *
execer(void *arg)
{
	char pid[16], *argv[] = { "x", "after", pid, NULL };

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	execv((char *)getauxval(AT_EXECFN), argv);
	FAIL("exec: errno %d %p", errno, arg);
}

static void
after(const char *old_pid)
{
	struct sigaction sa;
	sigset_t set;
	stack_t ss;

	EQ(getpid(), atoi(old_pid));
	EQ(syscall(SYS_gettid), getpid());
	OK(sigaction(SIGUSR1, NULL, &sa));
	CHECK(sa.sa_handler == SIG_DFL);
	OK(sigaction(SIGUSR2, NULL, &sa));
	CHECK(sa.sa_handler == SIG_IGN);
	OK(sigprocmask(SIG_BLOCK, NULL, &set));
	CHECK(sigismember(&set, SIGHUP));
	CHECK(!sigismember(&set, SIGTERM));
	OK(sigpending(&set));
	CHECK(sigismember(&set, SIGHUP));
	OK(sigaltstack(NULL, &ss));
	EQ(ss.ss_flags, SS_DISABLE);
	ERR(fcntl(10, F_GETFD), EBADF);
	OK(fcntl(11, F_GETFD));
	CHECK(alarm(0) > 0);
}

static void
before(bool from_thread)
{
	static char stack[16 * KIB];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	pthread_t t;
	sigset_t set;

	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	OK(kill(getpid(), SIGHUP));
	OK(sigaltstack(&ss, NULL));
	OK(dup2(1, 10));
	OK(fcntl(10, F_SETFD, FD_CLOEXEC));
	OK(dup2(1, 11));
	alarm(100);
	for (int i = 0; i < 3; i++)
		EQ(pthread_create(&t, NULL, sleeper, NULL), 0);
	if (from_thread) {
		EQ(pthread_create(&t, NULL, execer, NULL), 0);
		for (;;)
			pause();
	}
	execer(NULL);
}

int
main(int argc, char **argv)
{
	if (argc > 2) {
		after(argv[2]);
		return 0;
	}
	for (int i = 0; i < 6; i++) {
		pid_t pid = OK(fork());

		if (pid == 0)
			before(i % 2);
		REAP(pid, 0);
	}
	return test_done();
}
