/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=20 MORE=4 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Who has asked for a signal at its parent's end gets it from him, if he may send
 * it: a parent that has put root aside does not signal root's.  Who becomes another
 * asks no more.  The parent is the thread that made the child, then its process's
 * next one.
 */
#include "lib/test.h"
#include <pthread.h>

#define USER 1000

enum turn { PARENT_STAYS, PARENT_IS_USER, CHILD_IS_USER };

/* The signal that comes when the parent has ended, and its sender: 0, or not he. */
static int
heard(pid_t parent)
{
	struct timespec soon = { 0, 100000000 };
	sigset_t set;
	siginfo_t si;
	int signo;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signo = sigtimedwait(&set, &si, &soon);
	if (signo < 0)
		return 0;
	EQ(si.si_code, SI_USER);
	EQ(si.si_pid, parent);
	return signo;
}

/* Says ready when it has asked, and what it has heard. */
static void __attribute__((noreturn))
child(enum turn turn, pid_t parent, int ready)
{
	int asked = 0;

	OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	if (turn == CHILD_IS_USER)
		OK(setresuid(USER, USER, USER));
	OK(prctl(PR_GET_PDEATHSIG, &asked));
	EQ(asked, turn < CHILD_IS_USER ? SIGUSR1 : 0);
	EQ(write(ready, "r", 1), 1);
	_exit(heard(parent));
}

static void __attribute__((noreturn))
parent(enum turn turn)
{
	int end[2];
	char c;

	OK(pipe(end));
	if (OK(fork()) == 0)
		child(turn, getppid(), end[1]);
	EQ(read(end[0], &c, 1), 1);
	if (turn == PARENT_IS_USER)
		OK(setresuid(USER, USER, USER));
	_exit(0);
}

/* ---- a thread that is a parent ---- */

static int ready[2], result[2];

/* In the child: hears of the thread's end, and then of the process's. */
static void __attribute__((noreturn))
hears_twice(void)
{
	pid_t parent = getppid();
	int first, status;

	OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	EQ(write(ready[1], "r", 1), 1);
	do
		first = heard(parent);
	while (first == 0);
	EQ(getppid(), parent);
	EQ(write(result[1], "r", 1), 1);
	do
		status = heard(parent);
	while (status == 0);
	_exit(status);
}

static void *
makes_one(void *arg)
{
	char c;

	if (OK(fork()) == 0)
		hears_twice();
	EQ(read(ready[0], &c, 1), 1);
	return arg;
}

static void __attribute__((noreturn))
parent_of_threads(void)
{
	pthread_t t;
	char c;

	EQ(pthread_create(&t, NULL, makes_one, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	EQ(read(result[0], &c, 1), 1);
	_exit(0);
}

static void
threads(void)
{
	pid_t pid;
	int status;

	OK(pipe(ready));
	OK(pipe(result));
	pid = OK(fork());
	if (pid == 0)
		parent_of_threads();
	REAP(pid, 0);
	OK(wait(&status));
	EQ(status, SIGUSR1 << 8);
}

/* The child is an orphan then, and ours. */
static void
one(enum turn turn, int expected)
{
	pid_t pid = OK(fork());
	int status;

	if (pid == 0)
		parent(turn);
	REAP(pid, 0);
	OK(wait(&status));
	EQ(status, expected << 8);
}

int
main(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	one(PARENT_STAYS, SIGUSR1);
	threads();
	if (geteuid() == 0) {
		one(PARENT_IS_USER, 0);
		one(CHILD_IS_USER, 0);
	}
	return test_done();
}
