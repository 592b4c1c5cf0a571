/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 MORE=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A signal to a group comes while a member forks: the child stops, dies or
 * runs its handler as well, or is born by a parent that has done so.  And a
 * timer that is faster than a long fork does not keep it from its end.
 */
#include "lib/test.h"

#define SIZE (is_watched() ? 128 * KIB : 8 * MIB)

static struct {
	volatile int forks;         /* the next thing it does is fork() */
	volatile int born, handled; /* in the child */
	volatile unsigned long steps;
} *sh;

static volatile int seen; /* private: the child inherits it */

static void
handler(int signo)
{
	(void)signo;
	seen++;
}

static void
child_runs(void)
{
	sh->born = 1;
	for (;;) {
		sh->handled = seen;
		sh->steps++;
		sleep_ms(1);
	}
}

/* The leader of a new group; its fork takes a while. */
static pid_t
forker(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setpgid(0, 0));
		signal(SIGUSR1, handler);
		memset(pages_private(SIZE / PAGE), 1, SIZE);
		sh->forks = 1;
		/* A library may block the signals before it calls. */
		if (OK(syscall(SYS_fork)) == 0)
			child_runs();
		for (;;)
			pause();
	}
	while (!sh->forks)
		sched_yield();
	return pid;
}

static void
stopped(pid_t pid)
{
	unsigned long was;
	int status;

	EQ(waitpid(pid, &status, WUNTRACED), pid);
	EQ(status, SIGSTOP << 8 | 0x7f);
	for (int i = 0; i < 100; i++) {
		was = sh->steps;
		sleep_ms(10);
		if (sh->steps == was)
			break;
	}
	sleep_ms(20);
	EQ(sh->steps, was);
}

static void
caught(void)
{
	for (int i = 0; i < 3000 && !(sh->born && sh->handled); i++)
		sleep_ms(1);
	EQ(sh->born, 1);
	CHECK(sh->handled >= 1);
}

/* The zombies of the group, and its orphans, are ours. */
static void
gone(pid_t group)
{
	while (waitpid(-group, NULL, 0) > 0)
		continue;
	EQ(errno, ECHILD);
	ERR(kill(-group, 0), ESRCH);
}

static void
round_of(int signo, uint64_t *seed)
{
	pid_t pid;

	memset(sh, 0, sizeof(*sh));
	pid = forker();
	for (volatile unsigned k = rnd(seed) % 400000; k > 0; k--)
		continue;
	OK(kill(-pid, signo));
	if (signo == SIGSTOP)
		stopped(pid);
	else if (signo == SIGUSR1)
		caught();
	if (signo != SIGTERM)
		OK(kill(-pid, SIGKILL));
	gone(pid);
}

/* Signals to this process alone come all the time. */
static void
fork_under_a_timer(void)
{
	struct itimerval it = { { 0, 500 }, { 0, 500 } }, off = { 0 };
	char *p = pages_private(SIZE / PAGE);
	pid_t pid;

	memset(p, 1, SIZE);
	signal(SIGALRM, handler);
	OK(setitimer(ITIMER_REAL, &it, NULL));
	/* On a fast machine all of them fit between two ticks. */
	for (int i = 0; i < rounds(20) || (seen == 0 && i < 5000); i++) {
		pid = OK(fork());
		if (pid == 0)
			_exit(3);
		REAP(pid, 3);
	}
	OK(setitimer(ITIMER_REAL, &off, NULL));
	CHECK(seen > 0);
}

int
main(void)
{
	uint64_t seed = 11;

	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	sh = (void *)pages_shared(1);
	for (int i = 0; i < rounds(16); i++) {
		round_of(SIGSTOP, &seed);
		round_of(SIGUSR1, &seed);
		round_of(SIGTERM, &seed);
	}
	fork_under_a_timer();
	return test_done();
}
