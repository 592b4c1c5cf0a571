/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * SIGCHLD is first for the thread that forked: if that waits for it, it comes,
 * whether the main thread catches the signal or would drop it.  For a child of
 * the main thread, that one is asked.
 */
#include "lib/sleeps.h"

#include <pthread.h>

#define TRIES 3  /* nobody sees whether a thread sleeps for a signal yet */

static _Atomic int handled;
static _Atomic pid_t child, waits;
static sigset_t chld, waited; /* waited: and SIGUSR1, to end the wait */

static void
on_child(int signo)
{
	(void)signo;
	handled++;
}

/* A child that ends when the byte comes. */
static pid_t
fork_one(const int p[2])
{
	pid_t pid = OK(fork());
	char c;

	if (pid == 0) {
		OK(close(p[1]));
		EQ(read(p[0], &c, 1), 1);
		_exit(7);
	}
	return pid;
}

/* In a thread that blocks the signals: fork, if told where from, and wait. */
static void *
waiter(void *arg)
{
	struct timespec limit = { 3, 0 };
	int *p = arg;
	siginfo_t si;
	int r;

	if (p != NULL)
		child = fork_one(p);
	waits = syscall(SYS_gettid);
	do
		r = sigtimedwait(&waited, &si, &limit);
	while (r < 0 && errno == EINTR);
	if (r == SIGCHLD)
		EQ(si.si_pid, child);
	return (void *)(long)r;
}

static pthread_t
start_waiter(int *p)
{
	pthread_t t;

	waits = 0;
	OK(pthread_sigmask(SIG_BLOCK, &waited, NULL));
	EQ(pthread_create(&t, NULL, waiter, p), 0);
	OK(pthread_sigmask(SIG_UNBLOCK, &chld, NULL));
	while (waits == 0)
		sleep_ms(1);
	thread_sleeps(getpid(), waits);
	return t;
}

/* What the thread that forked got when the child ended: a signal, or -1. */
static int
own_child(void)
{
	pthread_t t;
	void *r;
	int p[2];

	OK(pipe(p));
	t = start_waiter(p);
	EQ(write(p[1], "g", 1), 1);
	EQ(pthread_join(t, &r), 0);
	REAP(child, 7);
	OK(close(p[0]));
	OK(close(p[1]));
	return (int)(long)r;
}

static void
waiter_gets_it(void (*handler)(int))
{
	int got = -1;

	signal(SIGCHLD, handler);
	for (int i = 0; i < TRIES && got < 0; i++) {
		handled = 0;
		got = own_child();
	}
	EQ(got, SIGCHLD);
	EQ(handled, 0);
}

static void
main_gets_its_own(void)
{
	pthread_t t;
	void *r;
	int p[2];

	signal(SIGCHLD, on_child);
	handled = 0;
	OK(pipe(p));
	child = fork_one(p);
	t = start_waiter(NULL);
	EQ(write(p[1], "g", 1), 1);
	while (handled == 0)
		sleep_ms(1);
	REAP(child, 7);
	EQ(pthread_kill(t, SIGUSR1), 0);
	EQ(pthread_join(t, &r), 0);
	EQ((long)r, SIGUSR1);
	OK(close(p[0]));
	OK(close(p[1]));
}

/* A thread that would drop the signal: its child's end is no news for anybody. */
static void *
fork_and_reap(void *arg)
{
	int p[2];

	OK(pthread_sigmask(SIG_UNBLOCK, &chld, NULL));
	OK(pipe(p));
	child = fork_one(p);
	EQ(write(p[1], "g", 1), 1);
	REAP(child, 7);
	OK(close(p[0]));
	OK(close(p[1]));
	return arg;
}

static void
main_gets_no_other(void)
{
	struct timespec none = { 0, 0 };
	pthread_t t;

	signal(SIGCHLD, SIG_DFL);
	OK(pthread_sigmask(SIG_BLOCK, &chld, NULL));
	EQ(pthread_create(&t, NULL, fork_and_reap, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	ERR(sigtimedwait(&chld, NULL, &none), EAGAIN);
	OK(pthread_sigmask(SIG_UNBLOCK, &chld, NULL));
}

/* Who forked is gone: the main thread stands in. */
static void *
fork_and_end(void *p)
{
	child = fork_one(p);
	return NULL;
}

static void
main_gets_what_a_thread_left(void)
{
	pthread_t t;
	int p[2];

	handled = 0;
	OK(pipe(p));
	EQ(pthread_create(&t, NULL, fork_and_end, p), 0);
	EQ(pthread_join(t, NULL), 0);
	EQ(write(p[1], "g", 1), 1);
	while (handled == 0)
		sleep_ms(1);
	REAP(child, 7);
	OK(close(p[0]));
	OK(close(p[1]));
}

int
main(void)
{
	alarm(25);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	waited = chld;
	sigaddset(&waited, SIGUSR1);
	waiter_gets_it(SIG_DFL);
	waiter_gets_it(on_child);
	main_gets_no_other();
	main_gets_its_own();
	main_gets_what_a_thread_left();
	return test_done();
}
