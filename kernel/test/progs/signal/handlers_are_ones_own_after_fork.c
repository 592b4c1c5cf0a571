/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A forked process begins with its parent's handlers; what either changes, by
 * sigaction or by SA_RESETHAND, the other does not see.  With CLONE_SIGHAND both
 * see it, and a process that was forked from them does not.  After exec caught
 * signals have their default action, ignored ones stay ignored.
 */
#include "lib/test.h"

#include <sched.h>

static volatile int got;

static void
one(int signo)
{
	got = 1;
}

static void
two(int signo)
{
	got = 2;
}

static void
set(int signo, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	OK(sigaction(signo, &sa, NULL));
}

/* 1, 2: the handlers; 0: none; -1: ignored. */
static int
now(int signo)
{
	struct sigaction sa;

	OK(sigaction(signo, NULL, &sa));
	return sa.sa_handler == one ? 1 : sa.sa_handler == two ? 2 :
	    sa.sa_handler == SIG_IGN ? -1 : 0;
}

static int go[2];

static void
wait_for_word(void)
{
	char c;

	EQ(read(go[0], &c, 1), 1);
}

static void
say_word(void)
{
	EQ(write(go[1], "w", 1), 1);
}

static void
child_changes(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		EQ(now(SIGUSR1), 1);
		set(SIGUSR1, two, 0);
		set(SIGTERM, SIG_IGN, 0);
		EQ(now(SIGUSR1), 2);
		EQ(now(SIGUSR2), 1);
		_exit(0);
	}
	REAP(pid, 0);
	EQ(now(SIGUSR1), 1);
	EQ(now(SIGTERM), 0);
}

static void
parent_changes(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		wait_for_word();
		EQ(now(SIGUSR1), 1);
		EQ(now(SIGTERM), 0);
		OK(raise(SIGUSR1));
		EQ(got, 1);
		_exit(0);
	}
	set(SIGUSR1, two, 0);
	set(SIGTERM, SIG_IGN, 0);
	say_word();
	REAP(pid, 0);
	set(SIGUSR1, one, 0);
	set(SIGTERM, SIG_DFL, 0);
}

/* The handler goes, the flags stay; one's own only. */
static void
reset_is_ones_own(void)
{
	struct sigaction sa;
	pid_t pid;

	set(SIGUSR2, two, SA_RESETHAND);
	pid = OK(fork());
	if (pid == 0) {
		OK(raise(SIGUSR2));
		EQ(got, 2);
		EQ(now(SIGUSR2), 0);
		OK(sigaction(SIGUSR2, NULL, &sa));
		CHECK((sa.sa_flags & SA_RESETHAND) != 0);
		pid = OK(fork());
		if (pid == 0) {
			EQ(now(SIGUSR2), 0);
			set(SIGUSR2, one, 0);
			EQ(now(SIGUSR2), 1);
			_exit(0);
		}
		REAP(pid, 0);
		EQ(now(SIGUSR2), 0);
		set(SIGUSR1, two, 0);
		EQ(now(SIGUSR2), 0);
		_exit(0);
	}
	REAP(pid, 0);
	EQ(now(SIGUSR2), 2);
	set(SIGUSR2, one, 0);
}

static int
sharer(void *arg)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		wait_for_word();
		EQ(now(SIGUSR1), 1);
		_exit(0);
	}
	set(SIGUSR1, two, 0);
	say_word();
	REAP(pid, 0);
	_exit(0);
}

static void
shared_are_shared(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t forked = OK(fork()), pid; /* -1 would be killed with all others */

	if (forked == 0) {
		pause();
		_exit(1);
	}
	pid = clone(sharer, stack + sizeof(stack),
	    CLONE_VM | CLONE_SIGHAND | CLONE_VFORK | SIGCHLD, NULL);
	CHECK(pid > 0);
	REAP(pid, 0);
	EQ(now(SIGUSR1), 2);
	OK(kill(forked, SIGKILL));
	REAP_SIGNAL(forked, SIGKILL);
	set(SIGUSR1, one, 0);
}

static void
exec_keeps_the_ignored(char *self)
{
	char *args[] = { self, "again", NULL };
	pid_t pid = OK(fork());

	if (pid == 0) {
		set(SIGTERM, SIG_IGN, 0);
		execv("/proc/self/exe", args);
		_exit(1);
	}
	REAP(pid, 0);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "again") == 0) {
		EQ(now(SIGTERM), -1);
		EQ(now(SIGUSR1), 0);
		EQ(now(SIGUSR2), 0);
		return 0;
	}
	OK(pipe(go));
	set(SIGUSR1, one, 0);
	set(SIGUSR2, one, 0);
	child_changes();
	parent_changes();
	reset_is_ones_own();
	shared_are_shared();
	exec_keeps_the_ignored(argv[0]);
	EQ(now(SIGUSR1), 1);
	return test_done();
}
